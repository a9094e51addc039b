/// How many fragments are remembered, over all workers.
public struct FragmentLimits: Hashable, Sendable {
  /// Datagrams whose fragments are followed at one time. An attacker who wants to push out a datagram between
  /// its fragments has to send that many in the meantime.
  public var datagrams = 4096
  /// Later fragments that wait for their first one: 1024 of 9 KB, as much as Linux lets fragments have (4 MB)
  /// at ordinary sizes.
  public var held = 1024
  /// Of them, those of one datagram: 64 KB in reverse order at an MTU of 1280 bytes are 53.
  public var heldPerDatagram = 64
  /// The longest packet that is held, in bytes: a jumbo frame.
  public var packetSize = 9216

  public init() {}

  /// Seconds from a datagram's first known fragment until it is forgotten: Linux's numbers (ipfrag_time,
  /// and RFC 8200 §4.5 for IPv6).
  static let seconds4: UInt64 = 30
  static let seconds6: UInt64 = 60

  /// One of `workers` workers' share, where each keeps fragments.
  func share(of workers: Int) -> FragmentLimits {
    var share = self
    share.datagrams = max(datagrams / workers, 1)
    share.held = max(held / workers, 1)
    return share
  }
}

/// Which worker keeps a datagram's fragments.
public enum FragmentPlacement: UInt8, Sendable, BitwiseCopyable {
  /// The one that receives them, so that they reach a session's owner in the order of arrival: replay, where
  /// one worker reads.
  case receiver
  /// One chosen by a hash of addresses, identification and protocol: live ports, where the fragments of a
  /// datagram may arrive on several workers.
  case byDatagram
}
