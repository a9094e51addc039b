import CZlib

/// Unpacks gzip, of one member or several after each other, by zlib. RFC 1952.
///
/// Owns some ten kilobytes of zlib's and one buffer of packed bytes, whatever the data claim.
@safe final class Gunzip {
  private let source: InputBytes
  // SAFETY: zlib's state points back at the stream, which therefore stays at one address.
  private let stream: UnsafeMutablePointer<z_stream>
  private let packed: UnsafeMutableRawPointer
  /// Whether the last byte taken ended a member.
  private var isBetweenMembers = false
  private var isAtEnd = false
  /// What is wrong with the packed data; nil while nothing is.
  private(set) var trouble: (code: CaptureError.Code, message: String)?

  /// Enough that the system call costs little beside unpacking.
  private static let packedSize = 64 << 10
  /// RFC 1952 §2.3.1, ID1.
  private static let firstByte: UInt8 = 0x1F
  /// 15 bits of window, the largest, and 16 for the gzip wrapper: inflateInit2 in zlib.h.
  private static let windowBits: Int32 = 15 + 16

  /// - Returns: nil when zlib has no memory.
  init?(_ source: InputBytes) {
    self.source = source
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    unsafe packed = .allocate(byteCount: Self.packedSize, alignment: 64)
    let status = unsafe inflateInit2_(
      stream, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    if status != Z_OK { return nil }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
    unsafe packed.deallocate()
  }

  /// Where in the packed data it stands.
  var offset: UInt64 { unsafe source.offset - UInt64(stream.pointee.avail_in) }

  /// Unpacks up to `count` bytes.
  ///
  /// - Returns: how many; 0 at the end or where `trouble` is.
  /// - Safety: `count` bytes, at least 1, can be written at `memory`.
  @unsafe func take(_ memory: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe stream.pointee.next_out = memory.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = UInt32(clamping: count)
    let wanted = unsafe stream.pointee.avail_out
    while unsafe stream.pointee.avail_out == wanted, trouble == nil, !isAtEnd {
      if unsafe stream.pointee.avail_in == 0, !refill() { break }
      if isBetweenMembers, !beginMember() { continue }
      step()
    }
    return unsafe Int(wanted - stream.pointee.avail_out)
  }

  /// Goes back to the first byte; the source has done so already.
  func rewind() {
    unsafe inflateReset(stream)
    unsafe stream.pointee.avail_in = 0
    (isBetweenMembers, isAtEnd, trouble) = (false, false, nil)
  }

  /// Unpacks what it can.
  private func step() {
    // SAFETY: input and output lie in memory that `take` and `refill` named with its size.
    switch unsafe inflate(stream, Z_NO_FLUSH) {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isBetweenMembers = true
    case Z_MEM_ERROR: trouble = (.cannotOpen, "cannot be unpacked: out of memory")
    default:
      let why = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "a preset dictionary"
      trouble = (.corrupt, "the gzip data are damaged: \(why); \"gzip -t\" checks them")
    }
  }

  /// Passes over zeros behind a member, which fill the last block of a tape, and begins the next one.
  ///
  /// - Returns: whether there is one.
  private func beginMember() -> Bool {
    while unsafe stream.pointee.avail_in > 0, unsafe stream.pointee.next_in.pointee == 0 {
      unsafe stream.pointee.next_in += 1
      unsafe stream.pointee.avail_in -= 1
    }
    guard unsafe stream.pointee.avail_in > 0 else { return false }
    guard unsafe stream.pointee.next_in.pointee == Self.firstByte else {
      trouble = (.corrupt, "bytes that are not gzip follow the gzip data, which are whole: cut them off")
      return false
    }
    isBetweenMembers = false
    unsafe inflateReset(stream)
    return true
  }

  /// - Returns: false at the end of the packed data, or when they cannot be read.
  private func refill() -> Bool {
    let got = unsafe source.take(packed, Self.packedSize)
    unsafe stream.pointee.next_in = packed.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_in = UInt32(got)
    if got > 0 { return true }
    isAtEnd = true
    if !isBetweenMembers, source.failure == nil, !source.isStopped {
      trouble = (.truncated, "the gzip data end early: the file was cut, or its writer was stopped")
    }
    return false
  }
}
