public import Dataplane

/// The captures of one replay, merged by time. Opened by the control side, then read by one worker.
public final class ReplaySources: @unchecked Sendable {
  // SAFETY (@unchecked): handed to one worker before its thread starts, and only used there.

  /// One capture file and the port that all its packets arrive on.
  public struct Source: Sendable {
    /// A path, or `-` for standard input.
    public var file: String
    public var arrival: Arrival

    /// - Parameters:
    ///   - lif: LIF number, 1...65535.
    ///   - port: position of the port in the workers' list.
    public init(file: String, lif: UInt16, port: UInt8) {
      self.file = file
      arrival = Arrival(lif: lif, port: port)
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

  /// Ends waiting for a stream.
  private let stop: StopSignal

  /// Opens all files. Where their packets arrive is for `assign` to say.
  ///
  /// - Parameter files: paths, or `-` for standard input.
  /// - Throws: the first file's trouble: `.cannotOpen`, `.notACapture`, `.truncated`, `.corrupt`.
  public convenience init(files: [String], blockSize: Int? = nil) throws(CaptureError) {
    try self.init(files: files, blockSize: blockSize, stop: StopSignal())
  }

  /// - Parameter stop: ends waiting for a stream, also that for its first bytes.
  package init(files: [String], blockSize: Int? = nil, stop: StopSignal) throws(CaptureError) {
    let blocks = BlockPool()
    var readers: [CaptureReader] = []
    for file in files {
      readers.append(
        try CaptureReader(
          file: file, blockSize: blockSize ?? CaptureReader.defaultBlockSize, blocks: blocks, stop: stop,
          // Captures that are merged are read packet by packet: there blocks serve as well.
          mapsLongPackets: files.count == 1))
    }
    self.readers = readers
    self.blocks = blocks
    self.stop = stop
  }

  /// Opens all files, each of which arrives on a port.
  public convenience init(_ sources: [Source], blockSize: Int? = nil) throws(CaptureError) {
    try self.init(files: sources.map(\.file), blockSize: blockSize)
    try assign(sources.map { .all($0.arrival) })
  }

  /// How many interfaces are known of each capture; a capture that describes none counts as one.
  public var interfaceCounts: [Int] { readers.map { max($0.interfaces.count, 1) } }

  /// Says on which ports each capture's packets arrive.
  ///
  /// - Throws: when a capture cannot arrive there.
  public func assign(_ arrivals: [Arrivals]) throws(CaptureError) {
    for (reader, arrivals) in zip(readers, arrivals) { try reader.assign(arrivals) }
  }

  /// Bytes of all files; nil when one is a stream, which does not say.
  public var totalBytes: UInt64? {
    readers.reduce(0) { sum, reader in sum.flatMap { sum in reader.fileSize.map { sum + $0 } } }
  }

  /// The first capture that can be read only once; nil when there is none.
  public var onceOnly: String? { readers.first { !$0.canRewind }?.file }

  /// A place to watch the replay of these captures, so many times; nil for no end.
  public func makeProgress(rounds: UInt64? = 1) -> ReplayProgress {
    let all = totalBytes.flatMap { bytes in rounds.map { bytes.multipliedReportingOverflow(by: $0) } }
    // More than can be counted is like no end.
    return ReplayProgress(totalBytes: all.flatMap { $0.overflow ? nil : $0.partialValue }, stop: stop)
  }

  /// The time of the earliest first packet; nil when no file has one.
  public func firstTime() -> PacketTime? {
    readers.compactMap { $0.peekTime() }.min().map(PacketTime.init(nanoseconds:))
  }

  public var unknownLinks: [UnknownLink] {
    readers.flatMap { reader in
      let numbers = Set(reader.interfaces.filter { $0.link == .other }.map(\.linkNumber))
      return numbers.sorted().map { UnknownLink(file: reader.file, number: $0) }
    }
  }

  /// Where the packets of each port come from, by the port's position.
  package var links: [UInt8: PacketFilter.Link] {
    let ports = readers.flatMap { reader in
      reader.interfaces.enumerated().compactMap { index, interface in
        reader.arrivals[index].map {
          ($0.port, PacketFilter.Link(number: interface.linkNumber, isSwapped: interface.isSwapped))
        }
      }
    }
    return Dictionary(ports, uniquingKeysWith: { first, _ in first })
  }

  /// The file whose packets arrive on a port, some of them at least; nil when there is none.
  package func file(ofPort port: UInt8) -> String? {
    readers.first { reader in
      reader.interfaces.indices.contains { reader.arrivals[$0]?.port == port }
    }?.file
  }

  /// Trouble with the captures as a whole; it names the first.
  func failure(_ message: String) -> CaptureError {
    CaptureError(.cannotOpen, file: readers.first?.file ?? "", message)
  }

  /// What the captures look like, for writing alike ones.
  public var format: CaptureFormat {
    let all = readers.flatMap(\.interfaces)
    let ports = readers.flatMap { reader in
      reader.interfaces.enumerated().compactMap { index, interface in
        reader.arrivals[index].map { ($0.port, interface.linkNumber) }
      }
    }
    return CaptureFormat(
      isNanosecond: all.contains { $0.resolution.isFinerThanMicroseconds },
      linkNumber: all.first?.linkNumber ?? 1,
      snapLength: all.map(\.snapLength).max() ?? CaptureHeader.largestPacket,
      linkNumbers: Dictionary(ports, uniquingKeysWith: { first, _ in first }))
  }

  /// Bytes read so far.
  var bytesRead: UInt64 { readers.reduce(0) { $0 + $1.bytesRead } }

  /// The first trouble that ended a file.
  var error: CaptureError? { readers.lazy.compactMap(\.error).first }

  /// Goes back to the first packets, for replaying the captures once more.
  ///
  /// - Returns: false, with nothing changed, when one of them is a stream, which comes once.
  public func rewind() -> Bool {
    guard readers.allSatisfy(\.canRewind) else { return false }
    for reader in readers { reader.rewind() }
    return true
  }

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
