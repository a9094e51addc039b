import ControlClient

/// Something with its rates beside it, in the same JSON object.
struct Rated<Item: Encodable>: Encodable {
  let item: Item
  let rates: [String: Double]?

  private enum Key: String, CodingKey { case rates }

  func encode(to encoder: any Encoder) throws {
    try item.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encodeIfPresent(rates, forKey: .rates)
  }
}

/// The time between two readings.
struct Interval {
  /// Above 0.
  let seconds: Double

  /// Nil when there is no earlier reading, or the clock stood still.
  init?<Item>(_ now: Reading<Item>, since earlier: Reading<Item>?) {
    guard let earlier, now.monotonicNanoseconds > earlier.monotonicNanoseconds else { return nil }
    seconds = Double(now.monotonicNanoseconds - earlier.monotonicNanoseconds) / 1e9
  }

  /// Nil when no time has passed.
  init?(_ duration: Duration) {
    guard duration > .zero else { return nil }
    seconds = duration / .seconds(1)
  }

  /// What a counter went up by in a second; one that went down was begun anew.
  func rate(_ now: UInt64, _ earlier: UInt64) -> Double {
    Double(now >= earlier ? now - earlier : now) / seconds
  }
}
