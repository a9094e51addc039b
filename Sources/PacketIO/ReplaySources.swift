public import Dataplane

/// The captures of one replay, merged by time. Opened by the control side, then read by one worker.
public final class ReplaySources: @unchecked Sendable {
  // SAFETY (@unchecked): handed to one worker before its thread starts, and only used there.

  /// One capture file and the port that its packets arrive on.
  public struct Source: Sendable {
    public var file: String
    /// LIF number, 1...65535.
    public var lif: UInt16
    /// Position of the port in the workers' list.
    public var port: UInt8

    public init(file: String, lif: UInt16, port: UInt8) {
      self.file = file
      self.lif = lif
      self.port = port
    }
  }

  /// A capture's link type that we cannot read: its packets are `other`.
  public struct UnknownLink: Sendable, Equatable {
    public let file: String
    /// The LINKTYPE_ number.
    public let number: UInt16
  }

  private let readers: [CaptureReader]
  /// Blocks in use by nobody.
  let blocks: BlockPool

  /// Opens all files.
  ///
  /// - Throws: the first file's trouble: `.cannotOpen`, `.notACapture`, `.truncated`.
  public init(_ sources: [Source], blockSize: Int? = nil) throws(CaptureError) {
    let blocks = BlockPool()
    var readers: [CaptureReader] = []
    for source in sources {
      readers.append(
        try CaptureReader(
          file: source.file, lif: source.lif, port: source.port,
          blockSize: blockSize ?? CaptureReader.defaultBlockSize, blocks: blocks))
    }
    self.readers = readers
    self.blocks = blocks
  }

  /// Bytes of all files.
  public var totalBytes: UInt64 { readers.reduce(0) { $0 + $1.fileSize } }

  /// A place to watch the replay of these captures.
  public func makeProgress() -> ReplayProgress { ReplayProgress(totalBytes: totalBytes) }

  /// The time of the earliest first packet; nil when no file has one.
  public func firstTime() -> PacketTime? {
    readers.compactMap { $0.peekTime() }.min().map(PacketTime.init(nanoseconds:))
  }

  public var unknownLinks: [UnknownLink] {
    readers.filter { $0.header.link == .other }.map {
      UnknownLink(file: $0.file, number: $0.header.linkNumber)
    }
  }

  /// What the captures look like, for writing alike ones.
  public var format: CaptureFormat {
    CaptureFormat(
      isNanosecond: readers.contains { $0.header.isNanosecond },
      linkNumber: readers.first?.header.linkNumber ?? 1,
      snapLength: readers.map(\.header.snapLength).max() ?? CaptureHeader.largestPacket,
      linkNumbers: Dictionary(
        readers.map { ($0.port, $0.header.linkNumber) }, uniquingKeysWith: { first, _ in first }))
  }

  /// Bytes read so far.
  var bytesRead: UInt64 { readers.reduce(0) { $0 + min($1.offset, $1.fileSize) } }

  /// The first trouble that ended a file.
  var error: CaptureError? { readers.lazy.compactMap(\.error).first }

  func takeRetired() -> [FileBlock] {
    var all: [FileBlock] = []
    for reader in readers where !reader.retired.isEmpty {
      all += reader.retired
      reader.retired.removeAll()
    }
    return all
  }

  /// Fills the burst with the packets that are next in time; nothing at the end of all files.
  func fill(_ burst: inout PacketBurst, _ clock: inout ReplayClock) {
    if readers.count == 1 {
      repeat {
        // SAFETY: the blocks are read anew only when the queue has given them back.
        unsafe burst.fill { places in unsafe readers[0].fill(places, clock: &clock) }
        // Nothing though it is not the end: a file that changed under the reader, which looks again.
      } while burst.isEmpty && readers[0].peekTime() != nil
      return
    }
    // Ends: a reader that fills nothing is at its end, or looks again.
    while !burst.isFull, let reader = earliest() {
      unsafe burst.fill { places in
        unsafe reader.fill(UnsafeMutableBufferPointer(rebasing: places.prefix(1)), clock: &clock)
      }
    }
  }

  /// The reader whose next packet is the oldest; the first of equals.
  private func earliest() -> CaptureReader? {
    var best: (reader: CaptureReader, time: UInt64)?
    for reader in readers {
      guard let time = reader.peekTime() else { continue }
      if best.map({ time < $0.time }) ?? true { best = (reader, time) }
    }
    return best?.reader
  }
}

/// What a written capture takes over from those that were read.
public struct CaptureFormat: Sendable {
  public var isNanosecond: Bool
  /// The LINKTYPE_ number of the first capture: files of other link types have it in their names.
  public var linkNumber: UInt16
  public var snapLength: UInt32
  /// The LINKTYPE_ number of what arrives on each port, by the port's position.
  public var linkNumbers: [UInt8: UInt16]
}
