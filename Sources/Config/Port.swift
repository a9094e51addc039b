public import Dataplane
public import PacketIO

/// One port of the configuration: a device or capture with a LIF number.
public struct Port: Hashable, Sendable {
  /// For people and for metrics; unique, never empty.
  public var name: String
  /// The port's own LIF: number 1...65535, untagged.
  public var lif: LIF
  /// Where packets leave that this port's policies forward; an untagged LIF of a configured port.
  public var peer: LIF
  /// The LIF of the port that punted packets go to; nil for none: they are counted.
  public var host: LIF?
  /// The source address of copies that leave here; a routed port's own.
  public var mac: MACAddress
  /// Whether `mac` is to be the interface's: that of a routed port which names none.
  public var takesInterfaceMAC = false
  /// Own addresses: with any the port is routed. Their networks do not overlap with those of other ports.
  public var addresses: [InterfaceAddress] = []
  /// The capture file this port reads, relative to the working directory or absolute.
  public var capture: String?
  /// Traffic that the port receives from memory; nil for none. Never beside `capture`.
  public var memory: MemoryPort?
  /// The network interface that the port is; nil for none. Never beside `capture` or `memory`.
  public var live: LivePortSettings?
  /// For TCP and UDP packets without a session.
  public var miss: MissPolicy
  /// What sessions learned here do: `.drop` or `.forward`.
  public var learnedAction: Action
  /// For packets that cannot have a session.
  public var nonSession: NonSessionPolicy

  /// A port with the defaults of the configuration file; `peer` and `mac` default from `lif`.
  public init(
    name: String, lif: LIF, peer: LIF? = nil, mac: MACAddress? = nil, capture: String? = nil,
    memory: MemoryPort? = nil, live: LivePortSettings? = nil, miss: MissPolicy = .forward,
    learnedAction: Action = .forward,
    nonSession: NonSessionPolicy = .forward
  ) {
    self.name = name
    self.lif = lif
    self.peer = peer ?? lif
    self.mac = mac ?? Self.defaultMAC(for: lif)
    self.capture = capture
    self.memory = memory
    self.live = live
    self.miss = miss
    self.learnedAction = learnedAction
    self.nonSession = nonSession
  }

  /// `02:00:00:00:HH:LL` from the LIF number: locally administered (IEEE 802 §8.2), unicast.
  public static func defaultMAC(for lif: LIF) -> MACAddress {
    MACAddress(0x0200_0000_0000 | UInt64(lif.number))
  }
}
