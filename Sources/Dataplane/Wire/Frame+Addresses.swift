/// Who sent a parsed packet to whom. `bytes` as for the other views.
extension Frame {
  /// Whether ``source(in:)`` and ``destination(in:)`` may be called: IP, and its fixed header was captured.
  /// A packet cut inside its IP header has no addresses to show.
  package func hasAddresses(in bytes: RawSpan) -> Bool {
    let size = family == 4 ? IPv4Header.size : IPv6Header.size
    return family != 0 && bytes.byteCount >= Int(networkOffset) + size
  }

  /// - Precondition: ``hasAddresses(in:)``.
  package func source(in bytes: RawSpan) -> IPAddress {
    family == 4 ? ipv4(in: bytes).source : ipv6(in: bytes).source
  }

  /// - Precondition: ``hasAddresses(in:)``.
  package func destination(in bytes: RawSpan) -> IPAddress {
    family == 4 ? ipv4(in: bytes).destination : ipv6(in: bytes).destination
  }
}
