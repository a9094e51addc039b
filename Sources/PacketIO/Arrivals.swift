import Dataplane

/// The port that packets of an interface of a capture arrive on.
public struct Arrival: Sendable, Equatable {
  /// LIF number, 1...65535.
  public var lif: UInt16
  /// Position of the port in the workers' list.
  public var port: UInt8

  public init(lif: UInt16, port: UInt8) {
    self.lif = lif
    self.port = port
  }
}

/// The ports that the packets of one capture arrive on.
public enum Arrivals: Sendable, Equatable {
  /// All interfaces on one port.
  case all(Arrival)
  /// Each interface on its own: the i-th on the i-th.
  case each([Arrival])

  /// Where interface `index` arrives; nil when it has no port.
  subscript(index: Int) -> Arrival? {
    switch self {
    case .all(let arrival): arrival
    case .each(let list): index < list.count ? list[index] : nil
    }
  }
}
