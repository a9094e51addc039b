/// A neighbour as one worker knows it at one time.
package struct NeighborSnapshot: Sendable {
  package var address: IPAddress
  /// LIF number of the port whose link it is on.
  package var lif: UInt16
  package var state: NeighborCache.State
  /// nil while it is not known.
  package var mac: MACAddress?
  /// Nanoseconds until the state is looked at again; 0 for a configured one.
  package var left: UInt64
  /// Packets that wait for it.
  package var waiting: Int
}

extension NeighborCache {
  /// Looks at `count` places from `cursor` on, at `now`.
  ///
  /// - Returns: where to go on; nil at the end.
  func forEach(
    from cursor: UInt32, count: Int, at now: PacketTime, _ body: (NeighborSnapshot) -> Void
  ) -> UInt32? {
    let end = min(UInt64(cursor) + UInt64(max(count, 1)), UInt64(used))
    for index in UInt64(cursor)..<max(end, UInt64(cursor)) {
      let entry = self[UInt32(index)]
      guard entry.state != .free else { continue }
      let left = entry.state == .fixed ? 0 : entry.deadline.nanoseconds.subtracting(now.nanoseconds)
      body(
        NeighborSnapshot(
          address: entry.address, lif: entry.lif, state: entry.state,
          mac: entry.state == .incomplete ? nil : entry.mac, left: left, waiting: Int(entry.heldCount)))
    }
    return end < UInt64(used) ? UInt32(end) : nil
  }
}

extension UInt64 {
  /// 0 where the other one is greater.
  fileprivate func subtracting(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
