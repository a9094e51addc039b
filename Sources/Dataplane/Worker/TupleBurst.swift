/// TCP packets that are known by their 5-tuples alone, taken through a session table in bursts: what a worker
/// does but for frames. The lookup benchmarks run it.
package struct TupleBurst: ~Copyable {
  /// Bytes of one tuple: source and destination address, source and destination port, protocol number as in
  /// packets, then zeros.
  package static let byteCount4 = 16
  package static let byteCount6 = 40
  /// Tuples in a burst, as many as a worker's burst has.
  private static let capacity = 64

  private var burst = FlowBurst()
  private let peers = FixedArray<UInt64>(repeating: Verdict(.forward, outLIF: 1).word)
  private let verdicts = FixedArray<Verdict>(repeating: Verdict(.drop))

  package init() {}

  /// Looks `count` tuples up, which lie one after another, and counts a packet of 64 bytes for each.
  ///
  /// - Returns: how many of them have a session; the others are not counted.
  /// - Safety: `tuples` must be readable for `count` tuples of the family's size.
  @unsafe package mutating func forward(
    _ tuples: UnsafeRawPointer, count: Int, isIPv6: Bool, at time: PacketTime,
    through sessions: inout SessionTable
  ) -> Int {
    var forwarded = 0
    let size = isIPv6 ? Self.byteCount6 : Self.byteCount4
    for start in stride(from: 0, to: count, by: Self.capacity) {
      // SAFETY: start < count.
      unsafe read(
        tuples + start * size, count: min(Self.capacity, count - start), isIPv6: isIPv6, at: time, sessions)
      forwarded &+= decide(&sessions)
    }
    return forwarded
  }

  /// Opens a session for each of `count` tuples, one at a time, as the miss policy `learn` does in a worker,
  /// where the parse pass has had the buckets of the burst fetched.
  ///
  /// - Safety: as for `forward`.
  @unsafe package mutating func learn(
    _ tuples: UnsafeRawPointer, count: Int, isIPv6: Bool, at time: PacketTime, policy: UInt32,
    in sessions: inout SessionTable
  ) {
    let size = isIPv6 ? Self.byteCount6 : Self.byteCount4
    for start in stride(from: 0, to: count, by: Self.capacity) {
      // SAFETY: start < count.
      unsafe read(
        tuples + start * size, count: min(Self.capacity, count - start), isIPv6: isIPv6, at: time, sessions)
      for position in 0..<burst.count {
        burst.packets[position].complete()
        _ = sessions.learn(burst.packets[position], burst.addresses6[position], policy: policy)
      }
    }
  }

  /// Makes the keys of up to `capacity` tuples and has their buckets fetched, as the parse pass does.
  private mutating func read(
    _ tuples: UnsafeRawPointer, count: Int, isIPv6: Bool, at time: PacketTime,
    _ sessions: borrowing SessionTable
  ) {
    burst.removeAll()
    burst.hasIPv6 = isIPv6
    burst.count = count
    // SAFETY: the callers demand `count` whole tuples.
    if isIPv6 { unsafe read6(tuples, at: time, sessions) } else { unsafe read4(tuples, at: time, sessions) }
  }

  private func read4(_ tuples: UnsafeRawPointer, at time: PacketTime, _ sessions: borrowing SessionTable) {
    let secret = sessions.secret
    var packet = unsafe burst.packets.view.start
    for index in 0..<burst.count {
      // SAFETY: as in `read`; the count is at most the capacity.
      let key = unsafe Self.key4(tuples + index &* Self.byteCount4, secret)
      unsafe packet.pointee.arrive(key, index, at: time)
      unsafe packet.pointee.candidate = sessions.flows.prefetchBucket(key.hash)
      unsafe packet += 1
    }
  }

  private func read6(_ tuples: UnsafeRawPointer, at time: PacketTime, _ sessions: borrowing SessionTable) {
    let (packets, addresses6) = (burst.packets.view, burst.addresses6.view)
    let secret = sessions.secret
    for index in 0..<burst.count {
      // SAFETY: as in `read`.
      let key = unsafe Self.key6(tuples + index &* Self.byteCount6, secret, &addresses6[index])
      packets[index].arrive(key, index, at: time)
      packets[index].candidate = sessions.flows.prefetchBucket(key.hash)
    }
  }

  private mutating func decide(_ sessions: inout SessionTable) -> Int {
    var missing = 0
    var position = 0
    while true {
      position = sessions.forward(&burst, from: position, peers: peers, verdicts: verdicts)
      if position == burst.count { break }
      if !search(position, &sessions) { missing &+= 1 }
      position &+= 1
    }
    return burst.count &- missing
  }

  /// The long way: a session that is not in its home bucket.
  @inline(never)
  private mutating func search(_ position: Int, _ sessions: inout SessionTable) -> Bool {
    burst.packets[position].complete()
    let record = sessions.find(burst.packets[position], burst.addresses6[position])
    return record != FlowTable.none && sessions.accept(burst.packets[position], into: record)
  }

  @inline(__always)
  private static func key4(_ tuple: UnsafeRawPointer, _ secret: FlowSecret) -> FlowKey {
    unsafe FlowKey(
      networkAddresses: tuple.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      ports: tuple.loadUnaligned(fromByteOffset: 8, as: UInt32.self),
      kind: FlowKind(isTCP: tuple.load(fromByteOffset: 12, as: UInt8.self) == IPProtocol.tcp, isIPv6: false),
      secret: secret)
  }

  @inline(__always)
  private static func key6(
    _ tuple: UnsafeRawPointer, _ secret: FlowSecret, _ addresses6: inout FlowAddresses6
  ) -> FlowKey {
    let isTCP = unsafe tuple.load(fromByteOffset: 36, as: UInt8.self) == IPProtocol.tcp
    return unsafe FlowKey(
      source: IPAddress(ipv6High: half(tuple, 0), low: half(tuple, 8)), sourcePort: port(tuple, 32),
      destination: IPAddress(ipv6High: half(tuple, 16), low: half(tuple, 24)),
      destinationPort: port(tuple, 34), kind: FlowKind(isTCP: isTCP, isIPv6: true), secret: secret,
      addresses6: &addresses6)
  }

  @inline(__always) private static func half(_ tuple: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: tuple.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always) private static func port(_ tuple: UnsafeRawPointer, _ offset: Int) -> UInt16 {
    unsafe UInt16(bigEndian: tuple.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }
}

extension SessionPacket {
  /// A packet of 64 bytes.
  @inline(__always)
  fileprivate mutating func arrive(_ key: FlowKey, _ index: Int, at time: PacketTime) {
    self.key = key
    isOrdinary = true
    self.time = time
    lif = LIF(number: 1)
    bytes = 64
    self.index = UInt8(truncatingIfNeeded: index)
  }
}
