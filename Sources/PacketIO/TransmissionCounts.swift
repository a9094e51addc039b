/// What became of packets that were to be sent by an interface.
public struct TransmissionCounts: Sendable {
  /// Packets of one kind that could not be sent.
  public struct Failures: Sendable, Equatable {
    public var count: UInt64 = 0
    /// The first of them: its number among the packets that were read and not filtered out, from 1, its bytes
    /// on its link, and what the kernel said.
    public var firstPacket: UInt64
    public var firstLength: UInt32
    public var firstError: Int32
    /// Bytes of the longest of them.
    public var longest: UInt32
  }

  /// Packets sent, and the bytes of their frames.
  public internal(set) var packets: UInt64 = 0
  public internal(set) var bytes: UInt64 = 0
  /// How often the interface had no room and was waited for.
  public internal(set) var waits: UInt64 = 0
  /// Packets that could not be sent, by why.
  public internal(set) var failures: [TransmissionFailure: Failures] = [:]
  /// Monotonic nanoseconds before the first sending and after the last.
  var begin: UInt64 = 0
  var end: UInt64 = 0

  /// Seconds from the first packet to the last.
  public var seconds: Double { Double(end - begin) / 1e9 }
  /// Packets that could not be sent.
  public var failed: UInt64 { failures.values.reduce(0) { $0 + $1.count } }

  init() {}
}

/// Why a packet cannot be sent by an interface.
public enum TransmissionFailure: String, CaseIterable, Sendable {
  /// Longer than the interface's MTU.
  case oversized
  /// Of a link type other than Ethernet.
  case notEthernet
  /// The capture has only a part of it.
  case cut
  /// The interface was down, had no carrier, or was gone.
  case portDown
  /// The interface had no room for it for a second.
  case noRoom
  /// The kernel refused it for another reason.
  case refused
}
