import Dataplane

/// Tells what a file is that is no capture we read, and what would make it one.
enum ForeignFile {
  /// An error that names the format by its first bytes.
  static func refusal(_ file: String, _ bytes: RawSpan) -> CaptureError {
    if bytes.byteCount == 0 {
      return CaptureError(
        .notACapture, file: file, offset: 0, "the file is empty: a capture has at least a header")
    }
    let found: String
    if let known = formats.first(where: { starts(bytes, with: $0.magic) }) {
      found = "\(known.name); \(known.mend)"
    } else {
      let shown = (0..<min(bytes.byteCount, 4)).map { hex(bytes.loadByte(at: $0)) }
      found = "it begins with bytes \(shown.joined(separator: " "))"
    }
    return CaptureError(.notACapture, file: file, offset: 0, "not a pcap or pcapng capture: \(found)")
  }

  private struct Format {
    var magic: [UInt8]
    var name: String
    var mend: String
  }

  private static let formats: [Format] = [
    Format(magic: [0x1F, 0x8B], name: "gzip within gzip", mend: unpack("gunzip -c")),
    Format(magic: [0x28, 0xB5, 0x2F, 0xFD], name: "a zstd file", mend: unpack("zstd -dc")),
    Format(magic: [0x04, 0x22, 0x4D, 0x18], name: "an lz4 file", mend: unpack("lz4 -dc")),
    Format(magic: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], name: "an xz file", mend: unpack("xz -dc")),
    Format(magic: Array("BZh".utf8), name: "a bzip2 file", mend: unpack("bzip2 -dc")),
    Format(magic: Array("PK\u{3}\u{4}".utf8), name: "a zip file", mend: unpack("unzip -p")),
    Format(magic: [0x34, 0xCD, 0xB2, 0xA1], name: "a modified pcap file (Kuznetzov)", mend: convert),
    Format(magic: [0xA1, 0xB2, 0xCD, 0x34], name: "a modified pcap file (Kuznetzov)", mend: convert),
    Format(magic: Array("snoop\0\0\0".utf8), name: "a snoop file", mend: convert),
    Format(magic: Array("GMBU".utf8), name: "a Network Monitor file", mend: convert),
    Format(magic: Array("RTSS".utf8), name: "a Network Monitor file", mend: convert),
    Format(magic: Array("XCP\0".utf8), name: "a NetXray file", mend: convert),
  ]

  private static let convert = "convert it with \"editcap -F pcap IN OUT\""

  private static func unpack(_ command: String) -> String {
    "unpack it with \"\(command) IN | sluice replay -\""
  }

  private static func starts(_ bytes: RawSpan, with magic: [UInt8]) -> Bool {
    bytes.byteCount >= magic.count && magic.indices.allSatisfy { bytes.loadByte(at: $0) == magic[$0] }
  }

  private static func hex(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
