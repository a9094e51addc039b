import Synchronization

/// A packet on its way to the worker that owns its session.
@unsafe package struct HandedOffPacket: BitwiseCopyable {
  package var packet: PacketDescriptor
  /// What a fragment follows, once its datagram's cache has said so.
  package var fate: FragmentFate

  @unsafe package init(packet: PacketDescriptor, fate: FragmentFate) {
    unsafe self.packet = packet
    unsafe self.fate = fate
  }
}

/// The rings by which workers hand packets to the worker that owns their session: one from each to each.
@safe public final class HandoffMesh: Sendable {
  private static let ringCapacity = 4096

  let workers: Int
  /// Whether a full ring makes the sender wait (replay: nothing is lost) or drop (live).
  let waits: Bool
  // SAFETY: descriptors' bytes stay valid until released, which the receiving queue asks for by a mark.
  private let rings: [SPSCRing<HandedOffPacket>]
  /// By worker: rung where something was handed over to it.
  package let doorbells: [Doorbell]
  private let endTime = Atomic<UInt64>(0)
  /// Workers whose queues have ended.
  private let endedQueues = Atomic<Int>(0)

  public init(workers: Int, waits: Bool) {
    self.workers = workers
    self.waits = waits
    doorbells = (0..<workers).map { _ in Doorbell() }
    unsafe rings = (0..<workers * workers).map { _ in
      unsafe SPSCRing<HandedOffPacket>(capacity: workers > 1 ? Self.ringCapacity : 2)
    }
  }

  @unsafe package func ring(from sender: Int, to receiver: Int) -> SPSCRing<HandedOffPacket> {
    unsafe rings[sender * workers + receiver]
  }

  /// Whether something that was handed over to `receiver` has not been dealt with.
  func hasPackets(for receiver: Int) -> Bool {
    (0..<workers).contains { unsafe ring(from: $0, to: receiver).count > 0 }
  }

  /// Says that `sender` will hand over nothing more, and where its time ended.
  package func close(from sender: Int, at time: PacketTime) {
    var known = endTime.load(ordering: .relaxed)
    while known < time.nanoseconds {
      let (done, seen) = endTime.compareExchange(
        expected: known, desired: time.nanoseconds, ordering: .relaxed)
      if done { break }
      known = seen
    }
    for receiver in 0..<workers { unsafe ring(from: sender, to: receiver).close() }
  }

  /// Says that a worker's queue has ended, where it may still pass on what it takes over.
  func noteQueueEnd() { endedQueues.add(1, ordering: .acquiringAndReleasing) }

  /// Whether no worker receives any more and nothing is on its way between them.
  ///
  /// A worker passes a packet on before it releases it, so that one on its way is always in some ring;
  /// looking twice finds those that moved behind the first look.
  var isQuiet: Bool {
    guard endedQueues.load(ordering: .acquiring) == workers, let first = pushedIfEmpty else { return false }
    return first == pushedIfEmpty
  }

  /// Packets ever handed over; nil when some were not dealt with.
  private var pushedIfEmpty: Int? {
    var sum = 0
    for sender in 0..<workers {
      for receiver in 0..<workers {
        let ring = unsafe ring(from: sender, to: receiver)
        let pushed = unsafe ring.pushed
        guard unsafe ring.isReleased(upTo: pushed) else { return nil }
        sum += pushed
      }
    }
    return sum
  }

  /// Whether all others have closed and `receiver` has dealt with everything from them.
  package func isFinished(for receiver: Int) -> Bool {
    (0..<workers).allSatisfy { $0 == receiver || (unsafe ring(from: $0, to: receiver).isFinished) }
  }

  /// Whether the others have dealt with everything that `sender` has handed over so far.
  func isDrained(from sender: Int) -> Bool { isDone(mark(from: sender), from: sender) }

  /// The latest time at which a worker closed.
  package var lastTime: PacketTime { PacketTime(nanoseconds: endTime.load(ordering: .relaxed)) }

  /// How far `sender` has handed over: until `isDone` with this mark, bytes handed over are in use.
  public func mark(from sender: Int) -> [Int] {
    (0..<workers).map { unsafe ring(from: sender, to: $0).pushed }
  }

  /// Whether everything that `sender` had handed over at `mark` has been dealt with.
  public func isDone(_ mark: [Int], from sender: Int) -> Bool {
    mark.indices.allSatisfy { unsafe ring(from: sender, to: $0).isReleased(upTo: mark[$0]) }
  }
}
