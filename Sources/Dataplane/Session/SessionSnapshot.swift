/// A session as it is, or was, at one moment: what Get, lists and the records of closed sessions show.
public struct SessionSnapshot: Equatable, Sendable, BitwiseCopyable {
  public var id: SessionID
  /// As the initiator sends it.
  public var tuple: FiveTuple
  public var inLIF: LIF
  public var outLIF: LIF
  public var action: Action
  public var isLearned: Bool
  public var state: SessionState
  public var closeCode: CloseCode
  /// From the initiator, and from the responder.
  public var inPackets: UInt64
  public var outPackets: UInt64
  public var inBytes: UInt64
  public var outBytes: UInt64
  public var start: PacketTime
  /// When it closed; meaningful when `state` is closed.
  public var end: PacketTime
  /// Time of its last packet.
  public var lastSeen: PacketTime
}
