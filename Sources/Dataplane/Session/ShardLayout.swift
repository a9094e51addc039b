/// Where things lie in a shard's file: a page for the header, then policies, records, details and IPv6
/// addresses, each region from a multiple of 2 MB on. Places only, no addresses; what is not used takes no
/// memory of a tmpfs. Buckets, timers, ids and use counts are not in it: a scan makes them anew.
package struct ShardLayout: Equatable, Sendable {
  package let recordCount: UInt32
  let recordBytes: Int
  let detailBytes: Int
  let addressBytes: Int

  /// - Parameter recordCount: records of the shard.
  package init(recordCount: UInt32) {
    self.recordCount = recordCount
    recordBytes = Self.rounded(Int(recordCount) * MemoryLayout<SessionRecord>.stride)
    detailBytes = Self.rounded(Int(recordCount) * MemoryLayout<SessionDetail>.stride)
    addressBytes = Self.rounded(Int(recordCount) * MemoryLayout<FlowAddresses6>.stride)
  }

  /// Of the three regions that sessions lie in.
  var sessionBytes: Int { recordBytes + detailBytes + addressBytes }

  static var headerBytes: Int { HugeMemory.pageSize }
  static var policyOffset: Int { headerBytes }
  static var sessionOffset: Int { headerBytes + rounded(SessionPolicyTable.policyBytes) }

  /// Size of the file.
  package var byteCount: Int { Self.sessionOffset + sessionBytes }

  /// Memory that the file takes when every record is in use, each by a session with a policy of its own.
  package var neededBytes: Int {
    let policies = min(Int(recordCount), SessionPolicyTable.capacity) * MemoryLayout<SessionPolicy>.stride
    return Self.headerBytes + Self.rounded(policies) + sessionBytes
  }

  static func rounded(_ count: Int) -> Int { (count + HugeMemory.pageSize - 1) & ~(HugeMemory.pageSize - 1) }

  /// A number that is another one when anything of what a file's bytes mean is: where fields lie, how hashes
  /// are made, and `revision` for what those do not tell.
  package static let version: UInt64 = {
    var sum = ShardChecksum()
    let record = [
      MemoryLayout<SessionRecord>.stride, MemoryLayout<SessionRecord>.offset(of: \.ports) ?? -1,
      MemoryLayout<SessionRecord>.offset(of: \.state) ?? -1,
      MemoryLayout<SessionRecord>.offset(of: \.flags) ?? -1,
      MemoryLayout<SessionRecord>.offset(of: \.lastSeen) ?? -1,
      MemoryLayout<SessionRecord>.offset(of: \.low) ?? -1,
      MemoryLayout<SessionRecord>.offset(of: \.lowWindow) ?? -1,
      MemoryLayout<SessionRecord>.offset(of: \.policy) ?? -1,
      MemoryLayout<SessionRecord.SideState>.stride,
    ]
    let detail = [
      MemoryLayout<SessionDetail>.stride, MemoryLayout<SessionDetail>.offset(of: \.start) ?? -1,
      MemoryLayout<SessionDetail>.offset(of: \.lowPacketsCarry) ?? -1,
      MemoryLayout<SessionDetail>.offset(of: \.finEnd) ?? -1,
      MemoryLayout<SessionDetail>.offset(of: \.mark) ?? -1, MemoryLayout<FlowAddresses6>.stride,
    ]
    let policy = [
      MemoryLayout<SessionPolicy>.stride, MemoryLayout<SessionPolicy>.offset(of: \.action) ?? -1,
      MemoryLayout<SessionPolicy>.offset(of: \.idleTimeout) ?? -1, SessionPolicyTable.capacity,
      MemoryLayout<ShardHeader>.stride, headerBytes, TrackState.allCases.count, Action.allCases.count,
    ]
    for number in record + detail + policy { sum.add(UInt64(bitPattern: Int64(number))) }
    // What values are in memory, the compiler decides.
    let sample = SessionPolicy(
      inLIF: LIF(rawValue: 1), outLIF: LIF(rawValue: 2), action: .snoop,
      nextHop: IPAddress(ipv6High: 3, low: 4), idle: 5, handshake: 6, timeouts: Timeouts())
    for byte in storedBytes(of: sample) { sum.add(UInt64(byte)) }
    for state in TrackState.allCases { sum.add(UInt64(storedBytes(of: state)[0])) }
    let secret = FlowSecret(1, 2, 3, 4)
    sum.add(secret.hash(addresses: 5, ports: 6, kind: .tcp4).rawValue)
    sum.add(secret.digest(FlowAddresses6(lowHigh: 7, lowLow: 8, highHigh: 9, highLow: 10)))
    sum.add(revision)
    return sum.value
  }()

  private static let revision: UInt64 = 3
}

/// A 64-bit sum over words. It finds damage, not malice.
struct ShardChecksum {
  private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

  @inline(__always) mutating func add(_ word: UInt64) {
    let product = (value ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    value = product.low ^ product.high &+ 0x632B_E59B_D9B4_E019
  }
}
