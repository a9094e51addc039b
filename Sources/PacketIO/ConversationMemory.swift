package import Dataplane
import Glibc

/// Remembers who opened each conversation, in memory of a fixed size.
///
/// A conversation is a TCP or UDP 5-tuple; beside it, a pair of hosts is remembered for packets without
/// ports, which follow the pair's first conversation. Places lie in sets of eight, found by a keyed hash.
/// When a set is full, what was not asked about for longest is forgotten; a conversation is forgotten too
/// when an hour of packet time passes without a packet of it. One that is forgotten counts as new.
@safe package final class ConversationMemory {
  /// What a packet tells of who opened its conversation.
  package enum Opening { case unknown, bySender, byReceiver }

  /// Conversations forgotten because their set was full.
  package private(set) var forgotten: UInt64 = 0
  private let places: UnsafeMutablePointer<Place>
  private let setCount: UInt32
  private let secret: FlowSecret

  /// About a million conversations in 24 MB, of which only what is used is touched.
  package static let defaultSetCount: UInt32 = 1 << 17
  /// Nanoseconds after which a conversation without packets is forgotten: as long as a learned TCP session
  /// lives by default.
  package static let idleLimit = 3600 * PacketTime.nanosecondsPerSecond

  private static let setSize = 8
  /// Beside ``FlowKind``'s values: pairs of hosts.
  private static let pair4 = FlowKind(rawValue: 9), pair6 = FlowKind(rawValue: 13)

  /// - Parameters:
  ///   - setCount: 1... sets of eight conversations.
  /// - Returns: nil when there is no memory.
  package init?(
    setCount: UInt32 = ConversationMemory.defaultSetCount, generator: inout some RandomNumberGenerator
  ) {
    let count = Int(setCount) * Self.setSize
    // SAFETY: all zero bytes are a free place.
    guard setCount > 0, let memory = unsafe calloc(count, MemoryLayout<Place>.stride) else { return nil }
    unsafe places = memory.bindMemory(to: Place.self, capacity: count)
    self.setCount = setCount
    secret = FlowSecret(using: &generator)
  }

  deinit { unsafe free(places) }

  /// The side of a TCP or UDP packet's sender: 0 for the client, 1 for the server.
  ///
  /// A handshake tells the client, else it is who is seen first; what a handshake said stays.
  package func side(
    source: IPAddress, sourcePort: UInt16, destination: IPAddress, destinationPort: UInt16, isTCP: Bool,
    opening: Opening, time: PacketTime
  ) -> Int {
    let kind = FlowKind(isTCP: isTCP, isIPv6: source.family == .ipv6)
    let key = key(source, sourcePort, destination, destinationPort, kind)
    let place = place(key, time)
    let sender = key.side
    let client = opening == .byReceiver ? 1 - sender : sender
    let isHandshake = opening != .unknown
    // SAFETY: `place` is inside the table.
    if unsafe places[place].isFree {
      unsafe places[place] = Place(key, client: client, isCertain: isHandshake, time)
      let pair = hosts(source, destination)
      // The pair's client is on the same side as this conversation's.
      notePair(pair, client: client == sender ? pair.side : 1 - pair.side, isCertain: isHandshake, time)
      // `place` may be the pair's by now, in a set that is full.
      return client == sender ? 0 : 1
    }
    if isHandshake, unsafe !places[place].isCertain {
      unsafe places[place].client = client
      unsafe places[place].isCertain = true
    }
    unsafe places[place].time = time.nanoseconds
    return unsafe places[place].client == sender ? 0 : 1
  }

  /// The side of the sender of a packet without ports.
  package func side(source: IPAddress, destination: IPAddress, time: PacketTime) -> Int {
    let pair = hosts(source, destination)
    let place = notePair(pair, client: pair.side, isCertain: false, time)
    return unsafe places[place].client == pair.side ? 0 : 1
  }

  /// Remembers a pair of hosts if it is new, or if a handshake tells what was a guess.
  @discardableResult
  private func notePair(_ key: FlowKey, client: UInt8, isCertain: Bool, _ time: PacketTime) -> Int {
    let place = place(key, time)
    if unsafe places[place].isFree || (isCertain && !places[place].isCertain) {
      unsafe places[place] = Place(key, client: client, isCertain: isCertain, time)
    }
    unsafe places[place].time = time.nanoseconds
    return place
  }

  private func hosts(_ source: IPAddress, _ destination: IPAddress) -> FlowKey {
    key(source, 0, destination, 0, source.family == .ipv6 ? Self.pair6 : Self.pair4)
  }

  /// Addresses of both families by the keyed digest of their 128 bits.
  private func key(
    _ source: IPAddress, _ sourcePort: UInt16, _ destination: IPAddress, _ destinationPort: UInt16,
    _ kind: FlowKind
  ) -> FlowKey {
    var addresses = FlowAddresses6()
    return FlowKey(
      source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort,
      kind: kind, secret: secret, addresses6: &addresses)
  }

  /// The key's place: where it is, or one that is free now.
  private func place(_ key: FlowKey, _ time: PacketTime) -> Int {
    let first = Int(key.hash.bucket(of: setCount)) * Self.setSize
    var oldest = first
    for place in first..<first + Self.setSize {
      if unsafe places[place].holds(key) {
        if unsafe places[place].isOver(at: time) { unsafe places[place] = Place() }
        return place
      }
      if unsafe places[place].isBetterTaken(than: places[oldest]) { oldest = place }
    }
    if unsafe !places[oldest].isFree, unsafe !places[oldest].isOver(at: time) { forgotten += 1 }
    unsafe places[oldest] = Place()
    return oldest
  }

  /// What is known of one conversation, in 24 bytes. All zero when free.
  private struct Place: BitwiseCopyable {
    var addresses: UInt64 = 0
    /// Time of the last packet in nanoseconds.
    var time: UInt64 = 0
    var ports: UInt32 = 0
    var kind: UInt8 = 0
    /// Which end of the key is the client: 0 the low one.
    var client: UInt8 = 0
    /// Whether a handshake said so.
    var isCertain = false

    init() {}

    init(_ key: FlowKey, client: UInt8, isCertain: Bool, _ time: PacketTime) {
      addresses = key.addresses
      self.time = time.nanoseconds
      ports = key.ports
      kind = key.kind.rawValue
      self.client = client
      self.isCertain = isCertain
    }

    var isFree: Bool { kind == 0 }

    func holds(_ key: FlowKey) -> Bool {
      addresses == key.addresses && ports == key.ports && kind == key.kind.rawValue
    }

    /// Whether this place is rather given away than the other: a free one, else the one unused for longer.
    /// Time tells no free place: a capture may have it at 0.
    func isBetterTaken(than other: Place) -> Bool {
      !other.isFree && (isFree || time < other.time)
    }

    /// Pairs of hosts stay until their place is needed.
    func isOver(at now: PacketTime) -> Bool {
      kind <= FlowKind.tcp6.rawValue && now.nanoseconds > time
        && now.nanoseconds - time > ConversationMemory.idleLimit
    }
  }
}
