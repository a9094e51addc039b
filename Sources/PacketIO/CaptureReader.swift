package import Dataplane
import Glibc

/// Reads a capture through blocks of bounded size; packets stay where they lie in them.
///
/// Owned by one worker. A block that was left behind is kept in `retired` until the owner knows that nobody
/// reads from it any more, and gives it back to the pool.
package final class CaptureReader {
  /// The file as errors name it.
  package let file: String
  /// The trouble that ended reading; nil at a proper end, or before the end.
  package private(set) var error: CaptureError?
  /// Position of the next record, from the start of the capture as it is when unpacked.
  package private(set) var offset: UInt64 = 0
  /// Blocks that packets handed out earlier may lie in.
  package var retired: [FileBlock] = []

  /// Where the packets of each interface arrive; `assign` says so.
  private(set) var arrivals = Arrivals.each([])
  private let input: CaptureInput
  private let blockSize: Int
  private let blocks: BlockPool
  /// The header of a classic capture; nil for pcapng.
  private var header: CaptureHeader?
  private var layout = RecordLayout.pcapng(PcapngRecords())
  private var block: FileBlock?
  /// Whether a packet in `block` was handed out. If not, nobody needs it when it is left behind: what lies
  /// between packets takes no memory, however long it is.
  private var isInUse = false
  private var isAtEnd = false
  /// Packets described in the block so far, and where in the capture they began.
  private var described: (packets: Int, from: UInt64) = (0, 0)
  /// Whether the file may be mapped: until it turns out that it shrinks.
  private var mayMap: Bool

  /// Opens a capture: classic or pcapng, packed by gzip or not, a file or a stream.
  ///
  /// - Parameters:
  ///   - file: a path, or `-` for standard input.
  ///   - blockSize: bytes read at once, at most `FileBlock.capacity`; more where a record needs it.
  ///   - blocks: shared with the other readers of the same worker.
  ///   - stop: ends waiting for a stream.
  ///   - mapsLongPackets: whether windows may be used; `fill` then wants more than one place at a time.
  /// - Throws: `.cannotOpen`, `.notACapture`, `.truncated`, `.corrupt`.
  package init(
    file: String, blockSize: Int = CaptureReader.defaultBlockSize, blocks: BlockPool = BlockPool(),
    stop: StopSignal = StopSignal(), mapsLongPackets: Bool = true
  ) throws(CaptureError) {
    mayMap = mapsLongPackets
    input = try CaptureInput(file: file, stop: stop)
    self.file = input.name
    self.blockSize = min(max(blockSize, RecordFormat.headerSize), FileBlock.capacity)
    self.blocks = blocks
    try begin()
  }

  /// Opens a capture of which all packets arrive on one port.
  package convenience init(
    file: String, lif: UInt16, port: UInt8, blockSize: Int = CaptureReader.defaultBlockSize,
    blocks: BlockPool = BlockPool()
  ) throws(CaptureError) {
    try self.init(file: file, blockSize: blockSize, blocks: blocks)
    try assign(.all(Arrival(lif: lif, port: port)))
  }

  /// Few enough bytes to stay in the second-level cache beside the flow table's lines, enough that the system
  /// call costs little per packet.
  package static let defaultBlockSize = 128 << 10

  /// Bytes of a pcapng file that are looked through for interfaces before the first packet is handed out:
  /// less than a tenth of a second.
  static let surveySize: UInt64 = 256 << 20

  // MARK: Opening

  /// Tells the layout by the first bytes, and finds the interfaces.
  private func begin() throws(CaptureError) {
    let begun = blocks.take()
    block = begun
    let trouble = input.fill(begun, from: 0, keeping: nil, least: CaptureHeader.size, count: blockSize)
    // SAFETY: the block's bytes, which nobody changes meanwhile.
    let bytes = unsafe UnsafeRawBufferPointer(start: begun.address(0), count: begun.byteCount)
    if unsafe Self.isPcapng(bytes.bytes) { return try survey() }
    if let trouble {
      fail(trouble.code, trouble.message, at: trouble.offset)
      if let error { throw error }
    }
    let header = try CaptureHeader(
      parsing: unsafe bytes.bytes.extracting(first: CaptureHeader.size), file: file)
    self.header = header
    layout = .classic(RecordFormat(header, lif: 0, port: 0))
    offset = UInt64(CaptureHeader.size)
  }

  private static func isPcapng(_ bytes: RawSpan) -> Bool {
    bytes.byteCount >= 4 && bytes.loadNative(at: 0) == PcapngBlock.Kind.section.rawValue
  }

  /// Looks for interfaces: of a file through its first part, of what comes once up to its first packet. What
  /// is wrong before a packet is thrown, what is wrong behind one is met again by reading.
  private func survey() throws(CaptureError) {
    guard case .pcapng(let records) = layout else { return }
    var hasPackets = false
    while offset < Self.surveySize, let position = prepareRecord(), let block {
      guard input.isRandomAccess else { return }
      hasPackets = true
      var cursor = unsafe RecordCursor(start: block.address(0), position: position, end: block.byteCount)
      // SAFETY: the cursor covers the block's bytes.
      unsafe records.passPackets(&cursor)
      offset = block.offset + UInt64(unsafe cursor.position)
    }
    if !hasPackets, let error { throw error }
    if input.isRandomAccess { rewind() }
  }

  /// Says where the packets of each interface arrive, before the first is read.
  ///
  /// - Throws: `.notACapture` when interfaces of different link types shall arrive on one port.
  package func assign(_ arrivals: Arrivals) throws(CaptureError) {
    self.arrivals = arrivals
    switch layout {
    case .classic:
      guard let header, let arrival = arrivals[0] else { return }
      layout = .classic(RecordFormat(header, lif: arrival.lif, port: arrival.port))
    case .pcapng(let records):
      if case .all = arrivals, let fault = records.interfaces.faultOfOnePort {
        throw CaptureError(.notACapture, file: file, fault)
      }
      records.interfaces.assign(arrivals)
    }
  }

  /// The interfaces that are known before the first packet, in their order; one in a classic capture.
  package var interfaces: [CaptureInterface] {
    switch layout {
    case .classic: header.map { [$0.interface] } ?? []
    case .pcapng(let records): records.interfaces.known
    }
  }

  /// Bytes in the file when it was opened, packed where it is; nil for a stream.
  package var fileSize: UInt64? { input.fileSize }
  /// Bytes of the file that have been read.
  package var bytesRead: UInt64 { input.bytesRead(at: offset) }
  /// Whether it can be read once more.
  package var canRewind: Bool { input.canRewind }

  // MARK: Reading

  /// Goes back to the first packet, and forgets the trouble that reading met. Only with `canRewind`.
  package func rewind() {
    if let block { leave(block) }
    block = nil
    input.rewind()
    switch layout {
    case .classic: offset = UInt64(CaptureHeader.size)
    case .pcapng(let records):
      records.rewind()
      offset = 0
    }
    isAtEnd = false
    error = nil
    described = (0, offset)
  }

  /// The capture time of the next packet in nanoseconds; nil at the end or before a bad record.
  package func peekTime() -> UInt64? {
    guard let position = prepareRecord(), let block else { return nil }
    // SAFETY: a whole record lies at `position`.
    return unsafe layout.time(block.address(position), available: block.byteCount - position)
  }

  /// Fills `places` with the packets that follow, in file order, and has `clock` time them.
  ///
  /// Stops early where the block ends. 0 at the end of the file, or at a bad record: see `error`.
  @unsafe package func fill(
    _ places: UnsafeMutableBufferPointer<PacketDescriptor>, clock: inout ReplayClock
  ) -> Int {
    guard let position = prepareRecord(), let block else { return 0 }
    let before = clock
    var cursor = unsafe RecordCursor(
      start: block.address(0), position: position, end: block.byteCount)
    let count = unsafe layout.fill(places, &cursor, &clock)
    if block.isMapped,
      isLost(
        block, upTo: unsafe cursor.position,
        isSuspect: unsafe count == 0 || places[count - 1].capturedLength == 0)
    {
      clock = before
      return unsafe fillByReading(places, clock: &clock)
    }
    described.packets += count
    if count > 0 { isInUse = true }
    offset = block.offset + UInt64(unsafe cursor.position)
    return count
  }

  /// Brings a whole packet into the block.
  ///
  /// - Returns: its position in the block; nil at the end, or at a bad record, which sets `error`.
  private func prepareRecord() -> Int? {
    while !isAtEnd {
      guard let block, offset <= block.offset + UInt64(block.byteCount) else {
        if !refill(1) { return nil }
        continue
      }
      let position = Int(offset - block.offset)
      // SAFETY: the position lies in the block, and so many bytes are left of it.
      let found = unsafe layout.look(block.address(position), available: block.byteCount - position)
      if block.hasLost {
        leaveWindow(block)
        continue
      }
      switch found {
      case .packet: return position
      case .pass(let count): offset += UInt64(count)
      case .needs(let count): if !refill(count) { return nil }
      case .bad(let code, let message): fail(code, message)
      }
    }
    return nil
  }

  /// Brings at least `least` bytes from `offset` on into a block.
  ///
  /// - Returns: false where the file does not have them, which ends reading.
  private func refill(_ least: Int) -> Bool {
    if isWorthMapping, let window = input.window(from: offset, least: least) {
      if let block { leave(block) }
      block = window
      described = (0, offset)
      return true
    }
    let old = block.map { (block: $0, position: Int(offset - $0.offset)) }
    // A block of which nothing was handed out is filled further.
    let next = old.flatMap { $0.position == 0 && !$0.block.isMapped ? $0.block : nil } ?? blocks.take()
    described = (0, offset)
    let trouble = input.fill(next, from: offset, keeping: old, least: least, count: blockSize)
    if let old, old.block !== next { leave(old.block) }
    block = next
    if next.byteCount >= least { return true }
    isAtEnd = true
    if let trouble {
      fail(trouble.code, trouble.message, at: trouble.offset)
    } else if !input.isStopped, let cut = unsafe layout.cut(next.address(0), available: next.byteCount) {
      fail(.truncated, cut)
    }
    return false
  }

  // MARK: Windows

  /// Whether the records of the block before were long: copying them costs more than mapping their pages,
  /// of which only the first bytes of each packet are read. pcapng reads more of a block, and more than once.
  private var isWorthMapping: Bool {
    guard mayMap, case .classic = layout, described.packets > 0 else { return false }
    return offset - described.from >= UInt64(described.packets) * Self.longRecord
  }

  /// Mean bytes of records from which on windows are faster than blocks.
  static let longRecord: UInt64 = 512

  /// Whether bytes of a window up to `position` are lost: a page is gone, or the file ends within a page,
  /// whose rest reads as records of zeros. Its size is asked for only where there is one: that costs as much
  /// as several packets. So a packet at the end of a burst may have been cut.
  ///
  /// - Parameter isSuspect: whether no packet was found there, or the last one is empty.
  private func isLost(_ window: FileBlock, upTo position: Int, isSuspect: Bool) -> Bool {
    if window.hasLost { return true }
    return isSuspect && (input.currentSize ?? 0) < window.offset + UInt64(position)
  }

  /// Fills a burst once more from where it began, without the window that lost bytes of it. Apart, so that
  /// `fill` is no loop.
  @unsafe @inline(never) private func fillByReading(
    _ places: UnsafeMutableBufferPointer<PacketDescriptor>, clock: inout ReplayClock
  ) -> Int {
    if let block { leaveWindow(block) }
    return unsafe fill(places, clock: &clock)
  }

  /// Goes on by reading, which tells what is wrong with the file and where.
  private func leaveWindow(_ window: FileBlock) {
    mayMap = false
    leave(window)
    block = nil
  }

  /// Parts with the present block.
  private func leave(_ block: FileBlock) {
    if isInUse { retired.append(block) } else { blocks.giveBack(block) }
    isInUse = false
  }

  /// - Parameter place: where in the packed file; nil for where the next record is looked for.
  private func fail(_ code: CaptureError.Code, _ message: String, at place: UInt64? = nil) {
    let unpacked = input.isPacked && place == nil ? ", counted in the unpacked capture" : ""
    error = CaptureError(
      code, file: file, offset: place ?? offset - UInt64(layout.bytesPassed), message + unpacked)
    isAtEnd = true
  }
}

/// The text of an errno.
package func errorText(_ number: Int32) -> String {
  unsafe String(cString: strerror(number))
}
