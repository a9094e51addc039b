import CPcap
import Glibc

/// One capture file being written, by libpcap.
@safe package final class CaptureWriter {
  package let path: String
  private let handle: OpaquePointer
  private let dumper: OpaquePointer
  /// What stdio collects packets in; lives until the file is closed.
  private let buffer: UnsafeMutablePointer<CChar>
  private let isNanosecond: Bool
  /// Where the packets' positions go, for putting several workers' files in order; nil where not wanted.
  private let order: UnsafeMutablePointer<FILE>?
  package private(set) var packets: UInt64 = 0
  private var isOpen = true

  /// Creates or empties the file; `-` is standard output.
  ///
  /// - Parameter orderPath: a file for the packets' positions, 8 bytes each; nil for none.
  /// - Throws: `.cannotWrite`.
  package init(
    path: String, linkNumber: UInt16, isNanosecond: Bool, snapLength: UInt32, orderPath: String? = nil
  ) throws(CaptureError) {
    let precision = UInt32(isNanosecond ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO)
    guard
      let handle = unsafe pcap_open_dead_with_tstamp_precision(
        DLT_EN10MB, Int32(truncatingIfNeeded: min(snapLength, UInt32(Int32.max))), precision)
    else { throw CaptureError(.cannotWrite, file: path, "cannot be written: out of memory") }
    guard let dumper = unsafe pcap_dump_open(handle, path) else {
      let text = unsafe String(cString: pcap_geterr(handle))
      unsafe pcap_close(handle)
      throw CaptureError(.cannotWrite, file: path, "cannot be written: \(text)")
    }
    if linkNumber != Self.ethernet, unsafe !Self.setLink(linkNumber, of: dumper) {
      let text = errorText(errno)
      unsafe pcap_dump_close(dumper)
      unsafe pcap_close(handle)
      throw CaptureError(.cannotWrite, file: path, "link type \(linkNumber) cannot be noted: \(text)")
    }
    // glibc ignores the size without a buffer of ours.
    unsafe buffer = .allocate(capacity: Self.bufferSize)
    unsafe setvbuf(pcap_dump_file(dumper), buffer, _IOFBF, Self.bufferSize)
    var order: UnsafeMutablePointer<FILE>?
    if let orderPath {
      unsafe order = fopen(orderPath, "w")
      guard unsafe order != nil else {
        let text = errorText(errno)
        unsafe pcap_dump_close(dumper)
        unsafe pcap_close(handle)
        unsafe buffer.deallocate()
        throw CaptureError(.cannotWrite, file: orderPath, "cannot be written: \(text)")
      }
    }
    self.path = path
    self.isNanosecond = isNanosecond
    unsafe self.handle = handle
    unsafe self.dumper = dumper
    unsafe self.order = order
  }

  deinit { close() }

  private static let bufferSize = 256 << 10
  /// LINKTYPE_ETHERNET.
  private static let ethernet: UInt16 = 1

  /// Puts a LINKTYPE_ number into the file's header. libpcap takes its own DLT_ numbers, which do not exist
  /// for all of them.
  private static func setLink(_ number: UInt16, of dumper: OpaquePointer) -> Bool {
    let file = unsafe pcap_dump_file(dumper)
    var field = UInt32(number)
    return unsafe fseek(file, CaptureHeader.linkOffset, SEEK_SET) == 0
      && fwrite(&field, MemoryLayout<UInt32>.size, 1, file) == 1 && fseek(file, 0, SEEK_END) == 0
  }

  /// Adds a packet.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since the Unix epoch.
  ///   - sequence: the packet's position among all that were received.
  package func write(_ bytes: RawSpan, time: UInt64, originalLength: UInt32, sequence: UInt64) {
    var header = pcap_pkthdr()
    let fraction = time % 1_000_000_000
    header.ts.tv_sec = Int(truncatingIfNeeded: time / 1_000_000_000)
    // With nanosecond precision libpcap takes nanoseconds in this field.
    header.ts.tv_usec = Int(truncatingIfNeeded: isNanosecond ? fraction : fraction / 1000)
    header.caplen = UInt32(bytes.byteCount)
    header.len = originalLength
    unsafe bytes.withUnsafeBytes { source in
      var nothing: UInt8 = 0
      // SAFETY: libpcap's "user" is the dumper; an empty packet still wants an address.
      let start = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self)
      unsafe withUnsafePointer(to: &nothing) { empty in
        unsafe pcap_dump(UnsafeMutablePointer<UInt8>(dumper), &header, start ?? empty)
      }
    }
    if let order = unsafe order {
      var position = sequence
      unsafe fwrite(&position, MemoryLayout<UInt64>.size, 1, order)
    }
    packets += 1
  }

  /// The trouble that writing has met, from buffers already handed to the kernel; nil when there is none.
  package var error: CaptureError? {
    guard isOpen else { return nil }
    let isBad = unsafe ferror(pcap_dump_file(dumper)) != 0
    let isOrderBad = unsafe order.map { unsafe ferror($0) != 0 } ?? false
    return isBad || isOrderBad ? failure : nil
  }

  /// Writes out what is buffered and closes the file.
  ///
  /// - Returns: the trouble that this met, or that writing had met.
  @discardableResult
  package func close() -> CaptureError? {
    guard isOpen else { return nil }
    var found = error
    isOpen = false
    if unsafe pcap_dump_flush(dumper) != 0, found == nil { found = failure }
    if let order = unsafe order, unsafe fclose(order) != 0, found == nil { found = failure }
    unsafe pcap_dump_close(dumper)
    unsafe pcap_close(handle)
    unsafe buffer.deallocate()
    return found
  }

  private var failure: CaptureError {
    let reason = errno == 0 ? "an I/O error" : errorText(errno)
    return CaptureError(
      .cannotWrite, file: path, "cannot be written on after about \(packets) packets: \(reason)")
  }
}
