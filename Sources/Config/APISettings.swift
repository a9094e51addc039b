/// How the control API is served: the `api` mapping of the configuration.
public struct APISettings: Hashable, Sendable {
  /// The control socket's path; nil for the default, which `--socket` goes before.
  public var socket: String?
  /// The socket file's permissions.
  public var socketMode: UInt16 = 0o660
  /// The socket file's group; nil for the process's own.
  public var socketGroup: String?
  /// How IPv4 addresses are read from a uint32 where a call does not say.
  public var ipv4Encoding = IPv4Encoding.inetPton
  /// TCP listeners; each has TLS.
  public var listeners: [TLSListener] = []
  /// Which LIFs a session may name.
  public var lifPolicy = LIFPolicy.strict
  /// Whether sessions that a client deletes are retained like closed ones.
  public var reportsDeleted = false
  public var limits = APILimits()

  public init() {}
}

/// Which byte of an address a uint32 begins with. Decision A1.
public enum IPv4Encoding: String, Hashable, Sendable, CaseIterable {
  /// Byte 0 is the value's lowest: 10.0.0.1 is 0x0100000A, whatever the machines are.
  case inetPton = "inet_pton"
  /// Byte 0 is the value's highest: 10.0.0.1 is 0x0A000001.
  case host
}

/// Decision A14.
public enum LIFPolicy: String, Hashable, Sendable, CaseIterable {
  /// Only LIFs of configured ports; 0 is none of them.
  case strict
  /// Any number; 0 is any LIF.
  case opaque
}

/// A TCP address where the API is served with TLS. Decision 20.
public struct TLSListener: Hashable, Sendable {
  /// A numeric IPv4 or IPv6 address, and a port.
  public var host: String
  public var port: UInt16
  /// PEM files: the server's chain and key, and the CAs of clients.
  public var certificate: String
  public var key: String
  public var clientCA: String?
  /// Whether a client must have a certificate of `clientCA`; false must be written out (`client_auth: none`).
  public var requiresClient: Bool
  public var ipv4Encoding: IPv4Encoding?

  public init(
    host: String, port: UInt16, certificate: String, key: String, clientCA: String?, requiresClient: Bool,
    ipv4Encoding: IPv4Encoding? = nil
  ) {
    self.host = host
    self.port = port
    self.certificate = certificate
    self.key = key
    self.clientCA = clientCA
    self.requiresClient = requiresClient
    self.ipv4Encoding = ipv4Encoding
  }
}

/// What a client may ask for at most.
public struct APILimits: Hashable, Sendable {
  /// Sessions in one AddSession stream.
  public var sessionsPerStream = 65_536
  /// Connections at once, and calls at once on each.
  public var connections = 256
  public var callsPerConnection = 128
  /// Bytes of one message.
  public var messageBytes = 4 << 20
  /// Sessions of one reply of GetAllSession.
  public var pageSize = 1024
  /// Seconds after which an AddSession stream that sends nothing is ended.
  public var idleSeconds: UInt32 = 60

  public init() {}
}
