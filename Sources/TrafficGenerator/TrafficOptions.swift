/// What traffic is to be made. The same options give the same bytes on every machine.
public struct TrafficOptions: Hashable, Sendable {
  /// Bytes of a data packet's frame, without tags and frame check sequence.
  public enum Size: Hashable, Sendable {
    /// All alike. Where headers leave no room for a byte of data the frame is as long as it takes.
    case bytes(Int)
    /// 64, 576 and 1500 bytes as 7 to 4 to 1, the "simple IMIX" mix.
    case imix
  }
  /// Address family of the conversations; both alternate.
  public enum Families: String, CaseIterable, Sendable { case ipv4 = "4", ipv6 = "6", both }
  /// Transport of the conversations; both alternate.
  public enum Transports: String, CaseIterable, Sendable { case tcp, udp, both }
  /// Which conversation the next packet belongs to: any alike, or the k-th most popular with a share of 1/k.
  public enum Distribution: String, CaseIterable, Sendable { case uniform, zipf }
  /// VLAN tags of every frame.
  public enum Tags: Hashable, Sendable {
    case none
    /// One 802.1Q tag.
    case vlan(Int)
    /// An 802.1ad service tag and an 802.1Q tag inside it.
    case qinq(outer: Int, inner: Int)
  }
  /// How fast capture time passes while packets flow.
  public enum Pace: Hashable, Sendable {
    /// Packets a second.
    case rate(Double)
    /// Seconds for all packets, silence not counted.
    case duration(Double)
    /// Four seconds, or less where packets are few.
    case automatic
  }
  /// What conversations are like.
  public enum Shape: String, CaseIterable, Sendable {
    /// Opened, used, and ended in every way that there is.
    case mixed
    /// Data of established conversations and nothing else: what benchmarks measure on.
    case steady
  }

  public var flows = 50_000
  public var packets = 1_000_000
  public var size = Size.imix
  public var seed: UInt64 = 1
  public var families = Families.ipv4
  public var transports = Transports.both
  public var tags = Tags.none
  public var distribution = Distribution.uniform
  public var pace = Pace.automatic
  public var shape = Shape.mixed
  /// Share of data packets that are sent as two fragments, 0...1.
  public var fragments = 0.0
  /// Share of TCP data segments that are sent again, 0...0.9.
  public var retransmits = 0.01

  public init() {}

  /// Packets a flow has where nothing else is said.
  public static let packetsPerFlow = 20
}

extension TrafficOptions {
  /// - Throws: what is out of range, with the range.
  public func check() throws(TrafficError) {
    try Self.check("--flows", flows, 1...Self.mostFlows)
    guard packets >= flows else {
      throw TrafficError(
        "--packets \(packets): too few for \(flows) flows: at least \(flows), one packet a flow; "
          + "or lower --flows")
    }
    try Self.check("--packets", packets, flows...Self.mostPackets)
    if case .bytes(let bytes) = size { try Self.check("--size", bytes, Self.sizes) }
    switch tags {
    case .none: break
    case .vlan(let identifier): try Self.check("--vlan", identifier, Self.vlans)
    case .qinq(let outer, let inner):
      try Self.check("--qinq, outer VLAN", outer, Self.vlans)
      try Self.check("--qinq, inner VLAN", inner, Self.vlans)
    }
    try Self.check("--fragments", fragments, 0...1)
    try Self.check("--retransmit", retransmits, 0...0.9)
    try checkPace()
  }

  private func checkPace() throws(TrafficError) {
    switch pace {
    case .rate(let rate):
      try Self.check("--rate", rate, 1...1e9)
      guard Double(packets) / rate <= Self.longest else {
        throw TrafficError(
          "--rate \(rate): \(packets) packets would take longer than \(Self.longest) seconds; raise it")
      }
    case .duration(let seconds):
      try Self.check("--duration", seconds, 1e-6...Self.longest)
      guard seconds <= Double(packets) else {
        throw TrafficError(
          "--duration \(seconds): at most \(packets) seconds with \(packets) packets, one packet a second; "
            + "or raise --packets")
      }
    case .automatic: break
    }
  }

  private static func check<Value: Comparable>(
    _ option: String, _ value: Value, _ range: ClosedRange<Value>
  ) throws(TrafficError) {
    guard range.contains(value) else {
      throw TrafficError("\(option) \(value): accepted: \(range.lowerBound)...\(range.upperBound)")
    }
  }

  /// Distinct 5-tuples that there are: ``ConversationTuple``.
  public static let mostFlows = 100_000_000
  /// Packets are counted in 32 bits.
  public static let mostPackets = 4_000_000_000
  /// From the smallest Ethernet frame (IEEE 802.3, with frame check sequence) to a jumbo frame.
  public static let sizes = 64...9014
  private static let vlans = 1...4094
  /// Seconds; the timestamps of a capture have 32 bits of them since 1970.
  private static let longest = 1e8
}
