import Synchronization

/// How far traffic has been made. Written by whoever makes it, looked at by anybody.
public final class TrafficProgress: Sendable {
  /// Packets that there will be.
  public let totalPackets: UInt64
  private let packetCount = Atomic<UInt64>(0)
  private let byteCount = Atomic<UInt64>(0)
  private let stopped = Atomic<Bool>(false)

  public init(totalPackets: Int) { self.totalPackets = UInt64(totalPackets) }

  /// Packets made so far, and the bytes of their frames.
  public var packets: UInt64 { packetCount.load(ordering: .relaxed) }
  public var bytes: UInt64 { byteCount.load(ordering: .relaxed) }
  public var isStopped: Bool { stopped.load(ordering: .relaxed) }

  /// Ends the making soon.
  public func stop() { stopped.store(true, ordering: .relaxed) }

  package func note(packets: UInt64, bytes: UInt64) {
    packetCount.store(packets, ordering: .relaxed)
    byteCount.store(bytes, ordering: .relaxed)
  }
}
