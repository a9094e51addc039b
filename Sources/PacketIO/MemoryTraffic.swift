package import Dataplane
import TrafficGenerator

/// Packets of established conversations, made once and handed out over and over. Each worker has those whose
/// session it owns, as a device deals them to its receive queues.
@safe package final class MemoryTraffic: @unchecked Sendable {
  // SAFETY (@unchecked): filled in init, only read afterwards.

  /// One frame: where it lies, and who sends it.
  struct Place: BitwiseCopyable {
    var offset: UInt32
    var length: UInt16
    var isFromClient: Bool
  }

  /// What is to be made.
  package struct Options: Sendable {
    package var flows: Int
    package var packets: Int
    /// Bytes of a frame.
    package var size: Int
    package var seed: UInt64

    package init(flows: Int, packets: Int, size: Int, seed: UInt64) {
      self.flows = flows
      self.packets = packets
      self.size = size
      self.seed = seed
    }
  }

  /// Why traffic cannot be made, in words.
  package struct Refusal: Error, Sendable {
    package let message: String
  }

  private let memory: UnsafeMutableRawPointer
  private let byteCount: Int
  /// By worker.
  private let frames: [[Place]]

  /// - Parameter workers: how many there are; `owner` tells which one a packet's session is on.
  /// - Throws: options out of range, or no memory.
  package init(
    _ options: Options, workers: Int, owner: (FiveTuple) -> Int
  ) throws(Refusal) {
    let plan = try Self.plan(options)
    byteCount = options.packets * Self.wholeLines(plan.frameCapacity)
    guard byteCount <= UInt32.max, let memory = unsafe HugeMemory.map(byteCount: byteCount) else {
      throw Refusal(message: "no memory for \(options.packets) packets of \(options.size) bytes")
    }
    unsafe self.memory = memory
    var stream = TrafficStream(plan)
    var frames = [[Place]](repeating: [], count: workers)
    var offset = 0
    for _ in 0..<options.packets {
      // SAFETY: there are `frameCapacity` bytes for each packet.
      var place = unsafe MutableRawSpan(_unsafeStart: memory + offset, byteCount: plan.frameCapacity)
      guard let packet = stream.next(into: &place) else { break }
      let tuple = Self.tuple(place.bytes.extracting(first: packet.length))
      frames[tuple.map(owner) ?? 0].append(
        Place(
          offset: UInt32(offset), length: UInt16(packet.length), isFromClient: packet.isFromClient))
      offset += Self.wholeLines(packet.length)
    }
    self.frames = frames
  }

  deinit { unsafe HugeMemory.unmap(memory, byteCount: byteCount) }

  /// Frames begin at cache lines, as in a device's buffers.
  private static func wholeLines(_ length: Int) -> Int { (length + 63) & ~63 }

  private static func plan(_ options: Options) throws(Refusal) -> TrafficPlan {
    var traffic = TrafficOptions()
    traffic.flows = options.flows
    traffic.packets = options.packets
    traffic.size = .bytes(options.size)
    traffic.seed = options.seed
    traffic.shape = .steady
    traffic.retransmits = 0
    do throws(TrafficError) {
      return try TrafficPlan(traffic)
    } catch {
      throw Refusal(message: error.description)
    }
  }

  private static func tuple(_ bytes: RawSpan) -> FiveTuple? {
    guard
      let frame = try? Frame.parse(
        bytes, link: .ethernet, originalLength: UInt32(bytes.byteCount)), frame.hasPorts
    else { return nil }
    let ports = frame.ports(in: bytes)
    return FiveTuple(
      source: frame.source(in: bytes), sourcePort: ports.source, destination: frame.destination(in: bytes),
      destinationPort: ports.destination, transport: frame.kind == .tcp ? .tcp : .udp)
  }

  /// How many packets worker `worker` has, and how many there are.
  func count(of worker: Int) -> Int { frames[worker].count }
  var count: Int { frames.reduce(0) { $0 + $1.count } }

  /// Fills a burst with packets of `worker` from its `position`-th on, over and over.
  ///
  /// - Parameter ends: where the client's and the server's packets arrive.
  /// - Returns: the position that follows.
  func fill(
    _ burst: inout PacketBurst, worker: Int, from position: Int, most: Int, time: PacketTime,
    ends: (client: Arrival, server: Arrival)
  ) -> Int {
    let memory = unsafe UnsafeRawPointer(memory)
    return unsafe frames[worker].withUnsafeBufferPointer { frames in
      var next = position
      unsafe burst.fill { places in
        let count = min(places.count, most)
        for index in 0..<count {
          let frame = unsafe frames[next]
          let end = frame.isFromClient ? ends.client : ends.server
          // SAFETY: the frame lies in the mapping, which lives as long as this object.
          unsafe places[index] = unsafe PacketDescriptor(
            start: memory + Int(frame.offset), capturedLength: UInt32(frame.length),
            originalLength: UInt32(frame.length), time: time, captureTime: time.nanoseconds,
            sequence: UInt64(truncatingIfNeeded: next), lif: end.lif, port: end.port, link: .ethernet)
          next = next + 1 == frames.count ? 0 : next + 1
        }
        return count
      }
      return next
    }
  }
}

/// A memory port as one worker reads it.
struct MemoryStream {
  private let traffic: MemoryTraffic
  private let worker: Int
  private let ends: (client: Arrival, server: Arrival)
  private var position = 0
  private var pacer: ReplayPacer
  private let isPaced: Bool

  /// - Parameter rate: of all workers together.
  init(_ source: PortQueue.MemorySource, worker: Int) {
    traffic = source.traffic
    self.worker = worker
    ends = source.ends
    let share = Double(traffic.count(of: worker)) / Double(max(traffic.count, 1))
    if case .packetsPerSecond(let packets) = source.rate, share > 0 {
      pacer = ReplayPacer(.packetsPerSecond(packets * share))
      isPaced = true
    } else {
      pacer = ReplayPacer(.max)
      isPaced = false
    }
  }

  func ends(by change: PortChange) -> Bool { change.hasEnded(ends.client.port) }

  /// Fills an empty burst with what is due.
  ///
  /// - Returns: nanoseconds until something is, where nothing was.
  mutating func receive(into burst: inout PacketBurst, now: PacketTime) -> UInt64 {
    guard traffic.count(of: worker) > 0 else { return .max }
    var due = burst.limit
    var wait: UInt64 = 0
    if isPaced {
      due = 0
      while due < burst.limit, wait == 0 {
        wait = pacer.wait(for: now, now: now.nanoseconds)
        if wait == 0 { due += 1 }
      }
      if due == 0 { return wait }
    }
    position = traffic.fill(&burst, worker: worker, from: position, most: due, time: now, ends: ends)
    return 0
  }
}
