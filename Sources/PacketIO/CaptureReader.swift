package import Dataplane
import Glibc

/// Reads a classic capture file through blocks of bounded size; packets stay where they lie in them.
///
/// Owned by one worker. A block that was left behind is kept in `retired` until the owner knows that nobody
/// reads from it any more, and gives it back to the pool.
package final class CaptureReader {
  package let file: String
  package let header: CaptureHeader
  /// Size of the file in bytes when it was opened.
  package let fileSize: UInt64
  /// The trouble that ended reading; nil at a proper end, or before the end.
  package private(set) var error: CaptureError?
  /// Position of the next record, from the start of the file.
  package private(set) var offset = UInt64(CaptureHeader.size)
  /// Blocks that packets handed out earlier may lie in.
  package var retired: [FileBlock] = []

  /// Position of the port that packets of this file arrive on.
  package let port: UInt8
  private let descriptor: Int32
  private let blockSize: Int
  private let records: RecordFormat
  private let blocks: BlockPool
  private var block: FileBlock?
  private var isAtEnd = false

  /// - Parameters:
  ///   - lif, port: what packets of this file arrive on.
  ///   - blockSize: bytes read at once, at most `FileBlock.capacity`; more where a record needs it.
  ///   - blocks: shared with the other readers of the same worker.
  /// - Throws: `.cannotOpen`, `.notACapture`, `.truncated`.
  package init(
    file: String, lif: UInt16, port: UInt8, blockSize: Int = CaptureReader.defaultBlockSize,
    blocks: BlockPool = BlockPool()
  ) throws(CaptureError) {
    let descriptor = try Self.open(file)
    do throws(CaptureError) {
      fileSize = try Self.size(descriptor, file)
      header = try Self.readHeader(descriptor, file)
    } catch {
      close(descriptor)
      throw error
    }
    self.file = file
    self.descriptor = descriptor
    self.port = port
    self.blockSize = min(max(blockSize, RecordFormat.headerSize), FileBlock.capacity)
    self.blocks = blocks
    records = RecordFormat(header, lif: lif, port: port)
  }

  deinit { close(descriptor) }

  /// Few enough bytes to stay in the second-level cache beside the flow table's lines, enough that the system
  /// call costs little per packet.
  package static let defaultBlockSize = 128 << 10

  // MARK: Opening

  private static func open(_ file: String) throws(CaptureError) -> Int32 {
    // Without waiting, for a pipe would wait for its writer; a regular file never does.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
    let descriptor = unsafe file.withCString { unsafe Glibc.open($0, flags) }
    guard descriptor >= 0 else {
      throw CaptureError(.cannotOpen, file: file, "cannot be opened: \(errorText(errno))")
    }
    return descriptor
  }

  private static func size(_ descriptor: Int32, _ file: String) throws(CaptureError) -> UInt64 {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw CaptureError(.cannotOpen, file: file, "cannot be examined: \(errorText(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let what = status.st_mode & S_IFMT == S_IFDIR ? "a directory" : "no regular file"
      throw CaptureError(.cannotOpen, file: file, "is \(what): a capture file is wanted")
    }
    return UInt64(status.st_size)
  }

  private static func readHeader(_ descriptor: Int32, _ file: String) throws(CaptureError) -> CaptureHeader {
    var bytes = [UInt8](repeating: 0, count: CaptureHeader.size)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else {
      throw CaptureError(.cannotOpen, file: file, "cannot be read: \(errorText(errno))")
    }
    // SAFETY: an initialised byte array.
    return try CaptureHeader(parsing: unsafe bytes.span.bytes.extracting(first: count), file: file)
  }

  // MARK: Reading

  /// The capture time of the next packet in nanoseconds; nil at the end or before a bad record.
  package func peekTime() -> UInt64? {
    guard let position = prepareRecord(), let block else { return nil }
    // SAFETY: a whole record lies at `position`.
    return unsafe records.time(block.address(position), isSwapped: records.isSwapped)
  }

  /// Fills `places` with the packets that follow, in file order, and has `clock` time them.
  ///
  /// Stops early where the block ends. 0 at the end of the file, or at a bad record: see `error`.
  @unsafe package func fill(
    _ places: UnsafeMutableBufferPointer<PacketDescriptor>, clock: inout ReplayClock
  ) -> Int {
    guard let position = prepareRecord(), let block else { return 0 }
    var cursor = unsafe RecordCursor(start: block.address(0), position: position, end: block.byteCount)
    // One loop for each byte order, so that the ordinary one swaps nothing and asks nothing.
    let count =
      records.isSwapped
      ? unsafe records.fill(places, &cursor, &clock, isSwapped: true)
      : unsafe records.fill(places, &cursor, &clock, isSwapped: false)
    offset = block.offset + UInt64(unsafe cursor.position)
    return count
  }

  /// Brings a whole record into the block.
  ///
  /// - Returns: its position in the block; nil at the end, or at a bad record, which sets `error`.
  private func prepareRecord() -> Int? {
    if let block {
      let position = Int(offset - block.offset)
      if isWhole(position, block.byteCount) { return position }
    }
    return isAtEnd ? nil : slide()
  }

  private func isWhole(_ position: Int, _ end: Int) -> Bool {
    guard position >= 0, position + RecordFormat.headerSize <= end, let captured = capturedLength(position)
    else {
      return false
    }
    return captured <= CaptureHeader.largestPacket
      && position + RecordFormat.headerSize + Int(captured) <= end
  }

  /// Reads a block that begins with the next record, and checks that record.
  private func slide() -> Int? {
    if let block { retired.append(block) }
    block = nil
    guard let size = presentSize() else { return nil }
    guard size > offset else {
      if size < fileSize { failShrunk(to: size) }
      isAtEnd = true
      return nil
    }
    let block = blocks.take()
    self.block = block
    guard read(block, blockSize, size) else { return nil }
    if isWhole(0, block.byteCount) { return 0 }
    // A record longer than what is usually read at once.
    if block.byteCount >= RecordFormat.headerSize, let captured = capturedLength(0),
      captured <= CaptureHeader.largestPacket
    {
      guard read(block, RecordFormat.headerSize + Int(captured), size) else { return nil }
      if isWhole(0, block.byteCount) { return 0 }
    }
    if size < fileSize { failShrunk(to: size) } else { explain(0, block.byteCount) }
    return nil
  }

  /// Reads up to `count` bytes from the next record on, as far as the file reaches.
  private func read(_ block: FileBlock, _ count: Int, _ size: UInt64) -> Bool {
    if block.read(descriptor, from: offset, count: Int(min(UInt64(count), size - offset))) { return true }
    fail(.cannotOpen, "cannot be read: \(errorText(errno))")
    return false
  }

  /// Why the record at `position` is not whole although the block reaches as far as the file does.
  private func explain(_ position: Int, _ end: Int) {
    let rest = end - position
    guard rest >= RecordFormat.headerSize, let captured = capturedLength(position) else {
      return fail(
        .truncated,
        "the file ends within a packet's record header: \(rest) of \(RecordFormat.headerSize) bytes")
    }
    if captured > CaptureHeader.largestPacket {
      return fail(
        .corrupt,
        "a packet record claims \(captured) captured bytes, "
          + "more than the limit of \(CaptureHeader.largestPacket)"
      )
    }
    fail(.truncated, "the file ends within a packet: \(rest - RecordFormat.headerSize) of \(captured) bytes")
  }

  /// The file's size now, or when it was opened if that was less.
  private func presentSize() -> UInt64? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      fail(.cannotOpen, "cannot be examined: \(errorText(errno))")
      return nil
    }
    return min(UInt64(max(status.st_size, 0)), fileSize)
  }

  private func failShrunk(to size: UInt64) {
    fail(.shrank, "the file shrank from \(fileSize) to \(size) bytes while it was read")
  }

  private func fail(_ code: CaptureError.Code, _ message: String) {
    error = CaptureError(code, file: file, offset: offset, message)
    isAtEnd = true
  }

  private func capturedLength(_ position: Int) -> UInt32? {
    guard let block else { return nil }
    // SAFETY: callers checked that a record header lies at `position`.
    return unsafe records.captured(block.address(position), isSwapped: records.isSwapped)
  }
}

/// The text of an errno.
package func errorText(_ number: Int32) -> String {
  unsafe String(cString: strerror(number))
}
