public import PacketIO

/// Traffic that a port receives from memory: packets of established conversations, made once when the daemon
/// starts and received over and over.
public struct MemoryPort: Hashable, Sendable {
  /// Conversations, half TCP and half UDP, 1...1,000,000.
  public var flows = 1024
  /// Bytes of each frame, 64...9014.
  public var size = 64
  /// Packets in memory, `flows`...10,000,000.
  public var packets = 65_536
  /// The same seed gives the same bytes on every machine.
  public var seed: UInt64 = 1
  /// `max`, or packets a second.
  public var rate = ReplayRate.max

  public init() {}
}

extension MemoryPort {
  /// Reads the `memory` mapping of a port; nil if there is none.
  init?(_ port: MappingReader, _ problems: inout ProblemList) {
    let keys = ["flows", "size", "packets", "seed", "rate"]
    guard let fields = port.mapping("memory", keys: keys, &problems) else { return nil }
    flows = fields.integer("flows", in: 1...1_000_000, &problems).map { Int($0 as UInt64) } ?? flows
    size = fields.integer("size", in: 64...9014, &problems).map { Int($0 as UInt64) } ?? size
    let least = UInt64(flows)
    packets =
      fields.integer("packets", in: least...Self.mostPackets, &problems).map { Int($0 as UInt64) }
      ?? max(packets, flows)
    seed = fields.integer("seed", in: 0...UInt64.max, &problems) ?? seed
    let accepted = "max, or packets a second such as 100000, 10k or 1.5M, at most 1000M"
    if let word = fields.word("rate", accepted: accepted, &problems) {
      if let rate = ReplayRate(text: word), rate != .capture {
        self.rate = rate
      } else {
        fields.refuse("rate", "\(quoted(word)) is not a rate; accepted: \(accepted)", &problems)
      }
    }
    if packets * size > Self.mostBytes {
      fields.refuse(
        fields.has("packets") ? "packets" : "size",
        "\(packets) packets of \(size) bytes are over 2 GiB; lower packets or size", &problems)
    }
  }

  private static let mostPackets: UInt64 = 10_000_000
  private static let mostBytes = 2 << 30
}
