/// The packets of a burst that have a 5-tuple and belong to this worker, in order of arrival. Filled by the
/// parse pass, used until the burst is done. Owned by one worker.
package struct FlowBurst: ~Copyable {
  package var packets = FixedArray<SessionPacket>(repeating: .empty)
  /// Of IPv6 packets, by the same position.
  package var addresses6 = FixedArray<FlowAddresses6>(repeating: FlowAddresses6())
  /// Packets in it, 0...256.
  package var count = 0
  /// Whether some of them may be IPv6.
  package var hasIPv6 = false
  /// Packets whose record was looked for already: `SessionTable.forward` runs ahead of itself.
  package internal(set) var probed = 0

  package init() {}

  package mutating func removeAll() {
    count = 0
    probed = 0
    hasIPv6 = false
  }
}

extension SessionTable {
  /// Looks up, counts and decides packets from position `first` on, up to one that needs the long way.
  ///
  /// - Parameters:
  ///   - peers: by port, the verdict (`Verdict.word`) when the session names no LIF to leave by.
  ///   - verdicts: receives the verdicts, by `SessionPacket.index`.
  /// - Returns: the position of the first packet that needs the long way, which is untouched; the number of
  ///   packets when there is none.
  package func forward(
    _ burst: inout FlowBurst, from first: Int, peers: borrowing FixedArray<UInt64>,
    verdicts: borrowing FixedArray<Verdict>
  ) -> Int {
    let path = flows.memory.fastPath(policies)
    let pass = FlowFastPath.Burst(
      packets: burst.packets.view, addresses6: burst.addresses6.view, count: burst.count,
      peers: peers.view, verdicts: verdicts.view)
    return burst.hasIPv6
      ? path.run(pass, from: first, &burst.probed, BothFamilies.self)
      : path.run(pass, from: first, &burst.probed, IPv4Only.self)
  }
}
