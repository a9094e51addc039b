import Glibc

/// Brings the bytes of one capture into blocks: from a file by position, or in their order from a stream or
/// out of gzip. Crossed once a block.
final class CaptureInput {
  /// The file as errors name it.
  let name: String
  private let bytes: InputBytes
  private let gunzip: Gunzip?
  /// Bytes given out in their order, unpacked.
  private var delivered: UInt64 = 0

  /// Why a block could not be filled as asked.
  struct Trouble {
    let code: CaptureError.Code
    /// Where in the file; nil where the next record stands.
    let offset: UInt64?
    let message: String
  }

  /// Opens a capture, packed or not, which its first bytes say.
  ///
  /// - Throws: `.cannotOpen`.
  init(file: String, stop: StopSignal) throws(CaptureError) {
    name = file == InputBytes.standardInputName ? InputBytes.standardInputTitle : file
    bytes = try InputBytes(file: file, stop: stop)
    guard bytes.peek(Self.gzipMagic.count) == Self.gzipMagic else {
      gunzip = nil
      return
    }
    gunzip = Gunzip(bytes)
    if gunzip == nil { throw CaptureError(.cannotOpen, file: name, "cannot be unpacked: out of memory") }
  }

  /// RFC 1952 §2.3.1.
  private static let gzipMagic: [UInt8] = [0x1F, 0x8B]

  var isPacked: Bool { gunzip != nil }
  /// Whether any part can be read at any time, without the parts before it.
  var isRandomAccess: Bool { gunzip == nil && bytes.size != nil }
  /// Whether it can be read once more.
  var canRewind: Bool { bytes.size != nil }
  /// Whether waiting for the stream was given up.
  var isStopped: Bool { bytes.isStopped }
  /// Bytes in the file, packed where it is; nil for a stream, which does not say.
  var fileSize: UInt64? { bytes.size }

  /// How many bytes of the file have been read where the next record stands at `offset`.
  func bytesRead(at offset: UInt64) -> UInt64 {
    isRandomAccess ? min(offset, bytes.size ?? offset) : gunzip?.offset ?? bytes.offset
  }

  /// Goes back to the first byte. Only with `canRewind`.
  func rewind() {
    bytes.rewind()
    gunzip?.rewind()
    delivered = 0
  }

  /// Fills `block` with the bytes from `offset` on.
  ///
  /// - Parameters:
  ///   - old: the block before, which may be the same one, and where in it `offset` lies.
  ///   - least: so many bytes are waited for, unless the file ends.
  ///   - count: as many as can be had without waiting, at least `least`.
  /// - Returns: what is wrong where there are not `least` bytes; nil at the proper end.
  func fill(
    _ block: FileBlock, from offset: UInt64, keeping old: (block: FileBlock, position: Int)?, least: Int,
    count: Int
  ) -> Trouble? {
    if isRandomAccess { return fillAt(block, offset, least, count) }
    if offset > delivered, let trouble = discard(upTo: offset, block) { return trouble }
    block.restart(at: offset, keeping: old)
    while block.byteCount < least {
      let got = unsafe block.append(upTo: max(least, count), take)
      if got == 0 { return trouble }
      delivered += UInt64(got)
    }
    return nil
  }

  /// A file by position: its size is looked at again, for it may have shrunk.
  private func fillAt(_ block: FileBlock, _ offset: UInt64, _ least: Int, _ count: Int) -> Trouble? {
    let opened = bytes.size ?? 0
    guard let size = currentSize else {
      return Trouble(code: .cannotOpen, offset: nil, message: "cannot be examined: \(errorText(errno))")
    }
    let rest = Int(clamping: size > offset ? size - offset : 0)
    guard block.read(bytes.descriptor, from: offset, count: min(max(least, count), rest)) else {
      return Trouble(code: .cannotOpen, offset: nil, message: "cannot be read: \(errorText(errno))")
    }
    guard block.byteCount < least, size < opened else { return nil }
    return Trouble(
      code: .shrank, offset: nil,
      message: "the file shrank from \(opened) to \(size) bytes while it was read")
  }

  /// A window on the file that shows at least `least` bytes from `offset` on; nil where they are better read,
  /// which also tells what is wrong with them.
  func window(from offset: UInt64, least: Int) -> FileBlock? {
    guard isRandomAccess, let size = currentSize, size > offset else { return nil }
    let rest = Int(clamping: size - offset)
    guard rest >= max(least, Self.smallestWindow) else { return nil }
    return FileBlock(mapping: bytes.descriptor, from: offset, count: rest)
  }

  /// Bytes that are worth a window.
  private static let smallestWindow = 1 << 20

  /// Bytes of the regular file now, at most as many as when it was opened; nil when the kernel does not tell.
  var currentSize: UInt64? {
    var status = stat()
    guard let opened = bytes.size, unsafe fstat(bytes.descriptor, &status) == 0 else { return nil }
    return min(UInt64(max(status.st_size, 0)), opened)
  }

  /// Passes over bytes that nobody wants, through `block`.
  private func discard(upTo offset: UInt64, _ block: FileBlock) -> Trouble? {
    while delivered < offset {
      block.restart(at: delivered, keeping: nil)
      let got = unsafe block.append(upTo: Int(clamping: offset - delivered), take)
      if got == 0 { return trouble }
      delivered += UInt64(got)
    }
    return nil
  }

  @unsafe private func take(_ memory: UnsafeMutableRawPointer, _ count: Int) -> Int {
    if let gunzip { return unsafe gunzip.take(memory, count) }
    return unsafe bytes.take(memory, count)
  }

  /// Why nothing more comes; nil at the proper end.
  private var trouble: Trouble? {
    if let failure = bytes.failure {
      return Trouble(code: .cannotOpen, offset: nil, message: "cannot be read: \(errorText(failure))")
    }
    guard let gunzip, let found = gunzip.trouble else { return nil }
    return Trouble(code: found.code, offset: gunzip.offset, message: found.message)
  }
}
