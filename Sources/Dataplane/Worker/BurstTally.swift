/// What one burst adds to the counters, gathered in plain fields and published once.
struct BurstTally {
  var matched: UInt64 = 0
  /// Packets with a session whose verdict was forward before transmit.
  var forwarded = 0
  var missed: UInt64 = 0
  var other: UInt64 = 0
  var handOffs: UInt64 = 0
  var snapped: UInt64 = 0
  var laterFragments: UInt64 = 0
  var held: UInt64 = 0
  /// Packets that wait for their next hop.
  var neighborHeld: UInt64 = 0
  /// Packets that routed ports have ended before sessions were looked for.
  var screened: UInt64 = 0
  var icmpErrors: UInt64 = 0
  var learnFailed: UInt64 = 0
  /// Bytes that rewritten packets have more than when they came.
  var bytesGrown = 0
}
