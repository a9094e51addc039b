import Dataplane
import Glibc

/// A pcapng file being written: packets of several interfaces with directions and comments, which libpcap
/// cannot write. draft-ietf-opsawg-pcapng, in this machine's byte order.
@safe package final class PcapngWriter {
  /// What a packet was seen on: each makes an Interface Description Block when it first occurs.
  package struct Interface: Hashable, Sendable {
    package var name: String
    /// LINKTYPE_ number.
    package var link: UInt16

    package init(name: String, link: UInt16) {
      self.name = name
      self.link = link
    }
  }

  package let path: String
  private let file: UnsafeMutablePointer<FILE>
  private var interfaces: [Interface: UInt32] = [:]
  private let snapLength: UInt32

  /// Creates or empties the file; `-` is standard output.
  ///
  /// - Parameter application: who writes it, for the file's header.
  /// - Throws: `.cannotWrite`.
  package init(path: String, application: String, snapLength: UInt32) throws(CaptureError) {
    guard let file = unsafe path == "-" ? fdopen(dup(1), "w") : fopen(path, "we") else {
      throw CaptureError(.cannotWrite, file: path, "cannot be written: \(errorText(errno))")
    }
    self.path = path
    unsafe self.file = file
    self.snapLength = snapLength
    // Section Header Block: magic, version 1.0, length of the section not known.
    var body = Self.bytes(0x1A2B_3C4D as UInt32) + Self.bytes(1 as UInt16) + Self.bytes(0 as UInt16)
    body += Self.bytes(UInt64.max) + Self.option(4, Array(application.utf8)) + Self.endOfOptions
    write(0x0A0D_0D0A, body)
    try flush()
  }

  deinit { unsafe fclose(file) }

  /// Adds a packet.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since the Unix epoch.
  ///   - isLeaving: nil where the direction is not known.
  package func write(
    _ packet: [UInt8], on interface: Interface, time: UInt64, originalLength: UInt32, isLeaving: Bool?,
    comment: String?
  ) {
    // Enhanced Packet Block.
    var body = Self.bytes(number(of: interface))
    body += Self.bytes(UInt32(time >> 32)) + Self.bytes(UInt32(truncatingIfNeeded: time))
    body += Self.bytes(UInt32(packet.count)) + Self.bytes(originalLength) + Self.padded(packet)
    if let isLeaving { body += Self.option(2, Self.bytes((isLeaving ? 2 : 1) as UInt32)) }
    if let comment { body += Self.option(1, Array(comment.utf8)) }
    if isLeaving != nil || comment != nil { body += Self.endOfOptions }
    write(6, body)
  }

  /// Hands to the kernel what is buffered.
  ///
  /// - Throws: `.cannotWrite`.
  package func flush() throws(CaptureError) {
    guard unsafe fflush(file) == 0, unsafe ferror(file) == 0 else {
      throw CaptureError(.cannotWrite, file: path, "cannot be written on: \(errorText(errno))")
    }
  }

  private func number(of interface: Interface) -> UInt32 {
    if let known = interfaces[interface] { return known }
    let number = UInt32(interfaces.count)
    interfaces[interface] = number
    // Interface Description Block; times are in nanoseconds.
    let body =
      Self.bytes(interface.link) + Self.bytes(0 as UInt16) + Self.bytes(snapLength)
      + Self.option(2, Array(interface.name.utf8)) + Self.option(9, [9]) + Self.endOfOptions
    write(1, body)
    return number
  }

  /// A block: type and length before its body, the length again behind it.
  private func write(_ type: UInt32, _ body: [UInt8]) {
    let length = Self.bytes(UInt32(body.count + 12))
    let block = Self.bytes(type) + length + body + length
    unsafe block.withUnsafeBytes { _ = unsafe fwrite($0.baseAddress, 1, $0.count, file) }
  }

  private static func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
    bytes(code) + bytes(UInt16(truncatingIfNeeded: value.count)) + padded(value)
  }

  private static let endOfOptions: [UInt8] = [0, 0, 0, 0]

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
  }
}
