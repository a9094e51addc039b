/// Neighbours that are being resolved or were: their states, and the packets that wait for them.
///
/// RFC 4861 §7.3 made simple, and the same for ARP: a neighbour is `incomplete` while it is asked for,
/// `reachable` for 30 s after it answered, then asked again if it was used meanwhile, else forgotten. Time is
/// an argument, and so is what to do: `next` says whom to ask and whom to give up. Owned by one worker.
package struct NeighborCache: ~Copyable {
  package enum State: UInt8, Sendable, BitwiseCopyable {
    case free
    /// Asked for, not known.
    case incomplete
    case reachable
    /// Known and used, but asked again: it has not answered for a while.
    case probing
    /// Configured: never asked, never forgotten.
    case fixed
  }

  package struct Entry: BitwiseCopyable, Sendable {
    package internal(set) var address: IPAddress
    package internal(set) var mac = MACAddress(0)
    package internal(set) var lif: UInt16
    package internal(set) var state: State
    /// Requests sent since the last answer.
    var requests: UInt8 = 0
    /// Whether a packet went there since the last answer.
    var isUsed = false
    /// Packets that wait.
    package internal(set) var heldCount: UInt8 = 0
    /// When the state is looked at again.
    var deadline: PacketTime
    var firstHeld = Slot.none
    var lastHeld = Slot.none
    /// The next one of the same bucket, or of the free ones.
    var next = Slot.none
  }

  /// What time asks for.
  package enum Event: Equatable {
    /// To ask for the neighbour: itself, or all on the link.
    case request(UInt32, isDirect: Bool)
    /// It has been configured while packets waited for it: they are to be sent.
    case resolved(UInt32)
    /// It did not answer: what waits for it is to be taken, then it is to be removed.
    case failed(UInt32)
  }

  /// Nanoseconds between two requests, and how many there are. RFC 4861 §10: RETRANS_TIMER,
  /// MAX_MULTICAST_SOLICIT.
  package static let retry: UInt64 = 1_000_000_000
  package static let attempts: UInt8 = 3
  /// Nanoseconds that an answer counts. RFC 4861 §10: REACHABLE_TIME.
  package static let reachable: UInt64 = 30_000_000_000
  /// Nanoseconds until one that only told of itself is asked, if it is used. RFC 4861 §10:
  /// DELAY_FIRST_PROBE_TIME.
  package static let unconfirmed: UInt64 = 5_000_000_000
  /// Packets that wait for one neighbour, and for all of a worker: enough for the first window of a few
  /// connections, little enough that a scan of a network cannot take the pool.
  package static let heldPerNeighbor: UInt8 = 16
  package static let heldLimit = 256

  private var entries: SlotArray<Entry>
  private var buckets: SlotArray<UInt32>
  private var held: SlotArray<HeldPacket>
  private var freeHeld: UInt32
  /// Whose first packet goes next when no more can wait.
  private var heldHand: UInt32 = 0
  private var free: UInt32 = Slot.none
  /// Entries that were ever used lie below.
  package private(set) var used: UInt32 = 0
  /// Received packets that wait.
  package private(set) var heldCount = 0
  /// Where room is looked for next.
  private var hand: UInt32 = 0
  package let capacity: Int

  /// So that nobody knows which addresses share a bucket.
  private let secret: FlowSecret

  /// - Parameter capacity: neighbours, 1 or more.
  package init(capacity: Int, secret: FlowSecret) {
    self.secret = secret
    self.capacity = max(capacity, 1)
    entries = SlotArray(count: capacity)
    buckets = SlotArray(count: Self.bucketCount)
    for index in 0..<Self.bucketCount { buckets[UInt32(index)] = Slot.none }
    held = SlotArray(count: Self.heldLimit)
    for index in 0..<Self.heldLimit {
      held[UInt32(index)] = HeldPacket(next: index + 1 < Self.heldLimit ? UInt32(index + 1) : Slot.none)
    }
    freeHeld = 0
  }

  package subscript(index: UInt32) -> Entry { entries[index] }

  /// The neighbour with `address` on a port; `Slot.none` when it is not there.
  package func find(_ address: IPAddress, lif: UInt16) -> UInt32 {
    var index = buckets[bucket(address, lif)]
    while index != Slot.none {
      if entries[index].address == address, entries[index].lif == lif { return index }
      index = entries[index].next
    }
    return Slot.none
  }

  /// Its Ethernet address for a packet that goes there now; nil while it is not known.
  package mutating func use(_ index: UInt32) -> MACAddress? {
    guard entries[index].state != .incomplete else { return nil }
    entries[index].isUsed = true
    return entries[index].mac
  }

  /// Begins to ask for a neighbour that is not there.
  ///
  /// - Returns: its place, `incomplete` and due for its first request; nil when there is no room.
  package mutating func begin(_ address: IPAddress, lif: UInt16, now: PacketTime) -> UInt32? {
    insert(Entry(address: address, lif: lif, state: .incomplete, deadline: now))
  }

  /// Notes that the first request was sent.
  package mutating func noteRequest(_ index: UInt32, now: PacketTime) {
    entries[index].requests = 1
    entries[index].deadline = now.advanced(by: Self.retry)
  }

  /// Puts a configured neighbour in.
  package mutating func fix(_ neighbor: Neighbor, now: PacketTime) {
    var index = find(neighbor.address, lif: neighbor.lif.number)
    if index == Slot.none {
      guard let made = begin(neighbor.address, lif: neighbor.lif.number, now: now) else { return }
      index = made
    }
    entries[index].mac = neighbor.mac
    entries[index].state = .fixed
    entries[index].requests = 0
    entries[index].deadline = entries[index].heldCount > 0 ? now : Self.never
  }

  /// Forgets configured neighbours.
  package mutating func removeFixed() {
    for index in 0..<used where entries[index].state == .fixed {
      // Packets wait for a moment only: until the next look.
      guard entries[index].heldCount > 0 else {
        remove(index)
        continue
      }
      entries[index].state = .incomplete
      entries[index].requests = 0
    }
  }

  /// Forgets what hosts behind a port have said: there may be others now. Configured ones stay, and those
  /// that are asked for are asked for anew.
  package mutating func forget(lif: UInt16) {
    for index in 0..<used where entries[index].lif == lif {
      switch entries[index].state {
      case .reachable, .probing: remove(index)
      case .incomplete:
        // Behind the last request it is being given up.
        guard entries[index].requests < Self.attempts else { continue }
        entries[index].requests = 0
        entries[index].deadline = .zero
      case .free, .fixed: continue
      }
    }
  }

  /// Nobody asks for a neighbour any more: what waits for it is given up at the next look.
  mutating func giveUp(_ index: UInt32, now: PacketTime) {
    guard entries[index].heldCount > 0 else { return remove(index) }
    entries[index].state = .incomplete
    entries[index].requests = Self.attempts
    entries[index].deadline = now
  }

  private static let never = PacketTime(nanoseconds: .max)

  /// Notes that `address` has `mac`.
  ///
  /// - Parameters:
  ///   - creates: whether one that is not there is put in: what answers us or asks for us may, what
  ///   only announces itself may not.
  ///   - replaces: whether it counts where another Ethernet address is known. RFC 4861 §7.2.5: not of an
  ///   advertisement without the override flag.
  ///   - confirms: whether it answers us, and so shows that it hears us.
  /// - Returns: its place; nil when nothing was noted.
  package mutating func learn(
    _ address: IPAddress, lif: UInt16, mac: MACAddress, creates: Bool, replaces: Bool = true,
    confirms: Bool = true, now: PacketTime
  ) -> UInt32? {
    var index = find(address, lif: lif)
    if index == Slot.none {
      guard creates, let made = begin(address, lif: lif, now: now) else { return nil }
      index = made
    }
    let state = entries[index].state
    guard state != .fixed, replaces || state == .incomplete || entries[index].mac == mac else { return nil }
    // What it says of itself changes nothing where it says what is known. RFC 4861 §7.2.3, §7.2.5.
    if !confirms, state != .incomplete, entries[index].mac == mac { return index }
    entries[index].mac = mac
    entries[index].state = .reachable
    entries[index].requests = 0
    entries[index].isUsed = entries[index].heldCount > 0
    entries[index].deadline = now.advanced(by: confirms ? Self.reachable : Self.unconfirmed)
    return index
  }

  package mutating func remove(_ index: UInt32) {
    let bucket = bucket(entries[index].address, entries[index].lif)
    if buckets[bucket] == index {
      buckets[bucket] = entries[index].next
    } else {
      var before = buckets[bucket]
      while entries[before].next != index { before = entries[before].next }
      entries[before].next = entries[index].next
    }
    entries[index].state = .free
    entries[index].next = free
    free = index
  }

  /// What is due at `now` from entry `position` on, which moves on; nil when there is no more.
  package mutating func next(_ position: inout UInt32, now: PacketTime) -> Event? {
    while position < used {
      let index = position
      position += 1
      guard entries[index].state != .free, entries[index].deadline <= now else { continue }
      switch entries[index].state {
      case .free: continue
      case .fixed:
        entries[index].deadline = Self.never
        return .resolved(index)
      case .incomplete:
        guard entries[index].requests < Self.attempts else { return .failed(index) }
      case .reachable:
        guard entries[index].isUsed else {
          remove(index)
          continue
        }
        entries[index].state = .probing
      case .probing:
        guard entries[index].requests < Self.attempts else { return .failed(index) }
      }
      entries[index].requests += 1
      entries[index].deadline = now.advanced(by: Self.retry)
      return .request(index, isDirect: entries[index].state == .probing)
    }
    return nil
  }

  // MARK: Packets that wait

  /// Lets a packet wait for a neighbour.
  ///
  /// - Returns: a packet that no longer waits, where too many do: the first one for this neighbour, or where
  ///   all places are taken that of each neighbour in turn.
  package mutating func hold(_ packet: HeldPacket, for index: UInt32) -> HeldPacket? {
    var displaced: HeldPacket?
    if entries[index].heldCount == Self.heldPerNeighbor {
      displaced = takeHeld(index)
    } else if freeHeld == Slot.none {
      heldHand = heldHand + 1 == UInt32(Self.heldLimit) ? 0 : heldHand + 1
      displaced = takeHeld(held[heldHand].neighbor)
    }
    let place = freeHeld
    freeHeld = held[place].next
    held[place] = packet
    held[place].next = Slot.none
    held[place].neighbor = index
    if entries[index].firstHeld == Slot.none {
      entries[index].firstHeld = place
    } else {
      held[entries[index].lastHeld].next = place
    }
    entries[index].lastHeld = place
    entries[index].heldCount += 1
    if packet.origin == .released { heldCount += 1 }
    return displaced
  }

  /// The packet that has waited longest for a neighbour, which no longer does; nil when none waits.
  package mutating func takeHeld(_ index: UInt32) -> HeldPacket? {
    let place = entries[index].firstHeld
    guard place != Slot.none else { return nil }
    let packet = held[place]
    entries[index].firstHeld = packet.next
    if packet.next == Slot.none { entries[index].lastHeld = Slot.none }
    entries[index].heldCount -= 1
    held[place].next = freeHeld
    freeHeld = place
    if packet.origin == .released { heldCount -= 1 }
    return packet
  }

  // MARK: Places

  private mutating func insert(_ entry: Entry) -> UInt32? {
    guard let index = freePlace() else { return nil }
    let bucket = bucket(entry.address, entry.lif)
    entries[index] = entry
    entries[index].next = buckets[bucket]
    buckets[bucket] = index
    return index
  }

  private mutating func freePlace() -> UInt32? {
    if free != Slot.none {
      let index = free
      free = entries[index].next
      return index
    }
    if used < UInt32(capacity) {
      used += 1
      return used - 1
    }
    return evict()
  }

  /// Places that are looked at to make room: who scans a network pays for that many at each packet.
  private static let mostLooks = 128

  /// The place of one that nobody waits for: preferably one that is not used, or is asked for in vain.
  private mutating func evict() -> UInt32? {
    for round in 0..<2 {
      for _ in 0..<min(capacity, Self.mostLooks) {
        let index = hand
        hand = hand + 1 == UInt32(capacity) ? 0 : hand + 1
        let entry = entries[index]
        guard entry.heldCount == 0 else { continue }
        switch entry.state {
        case .reachable: guard round == 1 || !entry.isUsed else { continue }
        // Behind the last request it is being given up.
        case .incomplete: guard entry.requests < Self.attempts else { continue }
        case .free, .probing, .fixed: continue
        }
        remove(index)
        free = entries[index].next
        return index
      }
    }
    return nil
  }

  private static let bucketCount = 4096

  private func bucket(_ address: IPAddress, _ lif: UInt16) -> UInt32 {
    let addresses = FlowAddresses6(
      lowHigh: address.high, lowLow: address.low, highHigh: UInt64(lif), highLow: 0)
    return UInt32(truncatingIfNeeded: secret.digest(addresses)) & UInt32(Self.bucketCount - 1)
  }
}

/// A packet that waits for a neighbour, finished but for its destination's Ethernet address.
package struct HeldPacket: BitwiseCopyable {
  package var buffer = PacketBuffer.none
  /// Only what is to be `released` is in the sums of received packets.
  package var origin = PacketCopy.Origin.released
  /// What its verdict was, before it had to wait.
  package var kind = Verdict.Kind.forward
  /// Position of the port that received it.
  package var port: UInt8 = 0
  /// Bytes that it came with; of a copy those that it has.
  package var bytes: UInt32 = 0
  var next = Slot.none
  /// The one that it waits for.
  var neighbor = Slot.none

  package init(
    _ buffer: PacketBuffer, _ origin: PacketCopy.Origin, kind: Verdict.Kind, port: UInt8 = 0,
    bytes: UInt32 = 0
  ) {
    self.buffer = buffer
    self.origin = origin
    self.kind = kind
    self.port = port
    self.bytes = bytes
  }

  fileprivate init(next: UInt32) { self.next = next }
}
