import CPcap
import Dataplane
import Glibc

/// A filter expression of tcpdump, compiled by libpcap for each link type that packets come from.
/// pcap-filter(7).
///
/// Immutable. Asking it about a packet costs the instructions of the compiled program and allocates nothing.
@safe package final class PacketFilter: @unchecked Sendable {
  // SAFETY (@unchecked): the programs are compiled in `init`, only read afterwards, and freed in `deinit`.

  /// What libpcap has to know of where packets come from.
  package struct Link: Hashable, Sendable {
    /// The LINKTYPE_ number.
    package var number: UInt16
    /// Whether the capture has the other byte order than this machine: LINKTYPE_NULL depends on it.
    package var isSwapped: Bool

    package init(number: UInt16, isSwapped: Bool) {
      self.number = number
      self.isSwapped = isSwapped
    }
  }

  /// Why an expression cannot be used.
  package struct Refusal: Error {
    /// libpcap's words.
    package let message: String
    /// The link type that it was compiled for.
    package let link: Link
  }

  private var programs: [bpf_program] = unsafe []
  /// For each position of a port, the position of its program.
  private var programOfPort = [UInt8](repeating: 0, count: Int(UInt8.max) + 1)

  /// - Parameters:
  ///   - links: where the packets of each port come from, by the port's position.
  /// - Throws: what libpcap says of the expression, for the first link that it cannot be used with.
  package init(_ expression: String, links: [UInt8: Link]) throws(Refusal) {
    var known: [Link: UInt8] = [:]
    for (port, link) in links.sorted(by: { $0.key < $1.key }) {
      if let index = known[link] {
        programOfPort[Int(port)] = index
        continue
      }
      // At most as many as ports, so that the position fits.
      let index = UInt8(truncatingIfNeeded: unsafe programs.count)
      unsafe programs.append(try Self.compile(expression, link))
      known[link] = index
      programOfPort[Int(port)] = index
    }
  }

  deinit {
    for index in unsafe programs.indices { unsafe pcap_freecode(&programs[index]) }
  }

  /// Instructions of the longest program.
  var longestProgram: Int { unsafe programs.reduce(0) { unsafe max($0, Int($1.bf_len)) } }

  /// Whether the expression is true of a packet. Headers that the capture cut away make it false.
  ///
  /// - Safety: as for reading the descriptor's bytes.
  @unsafe func accepts(_ packet: PacketDescriptor) -> Bool {
    let index = unsafe Int(programOfPort[Int(packet.port)])
    guard unsafe index < programs.count else { return false }
    // SAFETY: the interpreter reads no byte beyond the captured length; the program was checked by libpcap.
    return unsafe bpf_filter(
      programs[index].bf_insns, packet.start.assumingMemoryBound(to: UInt8.self), packet.originalLength,
      packet.capturedLength) != 0
  }

  /// Compiles the expression as tcpdump would for a capture of this link: libpcap is shown the header of
  /// such a file, and so maps the link type and the byte order itself.
  private static func compile(_ expression: String, _ link: Link) throws(Refusal) -> bpf_program {
    var header = fileHeader(link)
    var program = unsafe bpf_program()
    let trouble: String? = unsafe header.withUnsafeMutableBytes { bytes in
      guard let file = unsafe fmemopen(bytes.baseAddress, bytes.count, "r") else { return errorText(errno) }
      var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
      guard let handle = unsafe pcap_fopen_offline(file, &text) else {
        unsafe fclose(file)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      }
      // Closes the file too, before its bytes go.
      defer { unsafe pcap_close(handle) }
      let status = unsafe pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN)
      return status == 0 ? nil : unsafe String(cString: pcap_geterr(handle))
    }
    if let trouble { throw Refusal(message: trouble, link: link) }
    return unsafe program
  }

  /// OpenBSD's DLT_RAW, and LINKTYPE_RAW.
  private static let openBSDRaw: UInt16 = 14, raw: UInt16 = 101

  /// The header of an empty capture file. pcap-savefile(5).
  private static func fileHeader(_ link: Link) -> [UInt32] {
    let magic: UInt32 = 0xA1B2_C3D4
    // Version 2.4: major in the first two bytes, minor in the others.
    let halves: [UInt16] = [2, 4].map { link.isSwapped ? $0.byteSwapped : $0 }
    let version = unsafe halves.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt32.self) }
    // A raw IP number of OpenBSD that libpcap does not know elsewhere.
    let number = link.number == openBSDRaw ? raw : link.number
    let words = [magic, 0, 0, CaptureHeader.largestPacket, UInt32(number)]
    let ordered = link.isSwapped ? words.map(\.byteSwapped) : words
    return [ordered[0], version] + ordered[1...]
  }
}
