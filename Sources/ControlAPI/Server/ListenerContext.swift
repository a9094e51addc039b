public import Config

/// Where calls come in: what services of a listener may depend on. Services are made once for each listener.
public struct ListenerContext: Hashable, Sendable {
  /// As messages name it: `unix:PATH`, `HOST:PORT`, `[HOST]:PORT`.
  public let name: String
  /// How IPv4 addresses are read from a uint32 where a call's metadata does not say (decision A1).
  public let ipv4Encoding: IPv4Encoding

  public init(name: String, ipv4Encoding: IPv4Encoding) {
    self.name = name
    self.ipv4Encoding = ipv4Encoding
  }
}
