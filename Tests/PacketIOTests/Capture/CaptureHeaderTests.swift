import Dataplane
import PacketIO
import Testing

@Suite("Capture header (pcap-savefile(5))")
struct CaptureHeaderTests {
  private func parse(_ bytes: [UInt8]) throws(CaptureError) -> CaptureHeader {
    try CaptureHeader(parsing: bytes.span.bytes, file: "x.pcap")
  }

  private func refusal(_ bytes: [UInt8]) -> CaptureError? {
    do throws(CaptureError) {
      _ = try parse(bytes)
      return nil
    } catch { return error }
  }

  @Test(arguments: [false, true], [false, true])
  func `both byte orders and both precisions`(isBigEndian: Bool, isNanosecond: Bool) throws {
    var capture = CaptureBytes(isBigEndian: isBigEndian, isNanosecond: isNanosecond, link: 113)
    capture.snapLength = 96
    let header = try parse(capture.bytes)
    #expect(header.isSwapped == isBigEndian && header.isNanosecond == isNanosecond)
    #expect(header.snapLength == 96 && header.linkNumber == 113 && header.link == .linuxCooked)
    #expect(header.checkSequenceLength == 0)
  }

  @Test func `link numbers`() throws {
    let known: [(UInt32, LinkType)] = [
      (0, .bsdNull), (1, .ethernet), (12, .rawIP), (14, .rawIP), (101, .rawIP), (228, .rawIP), (229, .rawIP),
      (108, .bsdLoop), (113, .linuxCooked), (276, .linuxCooked2), (105, .other), (127, .other),
      (65_535, .other),
    ]
    for (number, link) in known {
      let header = try parse(CaptureBytes(link: number).bytes)
      #expect(header.link == link && UInt32(header.linkNumber) == number)
    }
  }

  @Test func `a frame check sequence of four bytes is announced beside the link`() throws {
    #expect(try parse(CaptureBytes(link: 0x2400_0001).bytes).checkSequenceLength == 4)
    #expect(try parse(CaptureBytes(link: 0x2000_0001).bytes).checkSequenceLength == 0)
    #expect(try parse(CaptureBytes(link: 0x2400_0001).bytes).link == .ethernet)
  }

  @Test func `what is no capture is refused by what it seems to be`() throws {
    let cases: [([UInt8], CaptureError.Code, UInt64, String)] = [
      ([], .notACapture, 0, "the file is empty"),
      ([1, 2], .notACapture, 0, "it begins with bytes 01 02"),
      (Array("hello, world".utf8), .notACapture, 0, "it begins with bytes 68 65 6c 6c"),
      ([0x1F, 0x8B, 8, 0, 0], .notACapture, 0, "gzip within gzip; unpack it with \"gunzip -c IN |"),
      ([0x28, 0xB5, 0x2F, 0xFD], .notACapture, 0, "a zstd file; unpack it with \"zstd -dc IN |"),
      ([0x04, 0x22, 0x4D, 0x18], .notACapture, 0, "an lz4 file; unpack it with \"lz4 -dc IN |"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .notACapture, 0, "an xz file; unpack it with \"xz -dc IN |"),
      (Array("BZh91AY".utf8), .notACapture, 0, "a bzip2 file; unpack it with \"bzip2 -dc IN |"),
      (Array("snoop\0\0\0".utf8), .notACapture, 0, "a snoop file; convert it with \"editcap -F pcap"),
      ([0x34, 0xCD, 0xB2, 0xA1], .notACapture, 0, "a modified pcap file"),
      (Array(CaptureBytes().bytes.prefix(23)), .truncated, 23, "ends within its capture header"),
      (Array(CaptureBytes().bytes.prefix(4)), .truncated, 4, "ends within its capture header"),
    ]
    for (bytes, code, offset, text) in cases {
      let error = try #require(refusal(bytes))
      #expect(error.code == code && error.offset == offset && error.file == "x.pcap")
      #expect(error.description.contains(text), "\(error)")
      #expect(error.description.hasPrefix("x.pcap: at offset \(offset): "))
    }
  }

  @Test(arguments: [false, true])
  func `another version is refused`(isBigEndian: Bool) throws {
    var bytes = CaptureBytes(isBigEndian: isBigEndian).bytes
    bytes[isBigEndian ? 5 : 4] = 3
    let error = try #require(refusal(bytes))
    #expect(error.code == .notACapture && error.offset == 4 && error.message.contains("version 3"))
  }
}
