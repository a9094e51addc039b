public import PacketIO

/// How capture ports play in the daemon: the `captures` mapping. `replay` has options of the same names.
public struct CaptureSettings: Hashable, Sendable {
  /// As far apart as they were captured, unless said otherwise.
  public var rate = ReplayRate.capture
  /// How often the captures are played, 1 or more; nil for no end.
  public var rounds: UInt64? = 1
  /// Deals the packets of one capture to two ports.
  public var split: TrafficSplit?
  /// A filter expression of tcpdump: packets for which it is not true are left out.
  public var filter: String?

  public init() {}
}

extension CaptureSettings {
  /// Reads `captures` of a configuration; the defaults if it is absent.
  init(_ configuration: MappingReader, _ problems: inout ProblemList) {
    self.init()
    let keys = ["rate", "loop", "split", "filter"]
    guard let fields = configuration.mapping("captures", keys: keys, &problems) else { return }
    if let word = fields.word("rate", accepted: ReplayRate.accepted, &problems) {
      if let rate = ReplayRate(text: word) {
        self.rate = rate
      } else {
        fields.refuse("rate", "\(quoted(word)) is not a rate; accepted: \(ReplayRate.accepted)", &problems)
      }
    }
    if let word = fields.word("loop", accepted: LoopCount.accepted, &problems) {
      if let count = LoopCount(text: word) {
        rounds = count.rounds
      } else {
        fields.refuse("loop", "\(quoted(word)) is not accepted; accepted: \(LoopCount.accepted)", &problems)
      }
    }
    if let word = fields.word("split", accepted: TrafficSplit.accepted, &problems) {
      do throws(TextRefusal) {
        split = try TrafficSplit(text: word)
      } catch {
        fields.refuse("split", error.message, &problems)
      }
    }
    let accepted = "an expression of tcpdump such as \"tcp port 443\""
    filter = fields.text("filter", accepted: accepted, &problems)
    if let filter, filter.isEmpty || filter.utf8.contains(0) {
      fields.refuse("filter", "\(quoted(filter)) is no filter; accepted: \(accepted)", &problems)
    }
  }
}
