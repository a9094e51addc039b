import Dataplane

/// The TCP flows of packets over IPv4. The one with number n takes draws 2n and 2n + 1, as in
/// `peers/l3_em_bench.c`, so that nothing need be kept.
struct Flows {
  let count: UInt32

  func tuple(_ number: UInt32) -> FiveTuple {
    var random = SplitMix64(skipping: 2 * UInt64(number))
    let (addresses, ports) = (random.next(), random.next())
    // Drawn as they lie in memory.
    return FiveTuple(
      source: IPAddress(ipv4: UInt32(truncatingIfNeeded: addresses).byteSwapped),
      sourcePort: UInt16(truncatingIfNeeded: ports).byteSwapped,
      destination: IPAddress(ipv4: UInt32(truncatingIfNeeded: addresses >> 32).byteSwapped),
      destinationPort: UInt16(truncatingIfNeeded: ports >> 16).byteSwapped,
      transport: .tcp)
  }

  /// The session of flow `number`, from its sender to its receiver, with an id of its own.
  func request(_ number: UInt32) -> SessionRequest {
    SessionRequest(
      id: SessionID(UInt64(number) + 1), tuple: tuple(number), action: .forward, cacheTimeout: 3600)
  }
}
