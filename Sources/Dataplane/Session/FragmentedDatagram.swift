/// A datagram of which a fragment was seen, and not all of them.
struct FragmentedDatagram: BitwiseCopyable {
  /// Neighbours in a list, by slot.
  struct Links: BitwiseCopyable {
    var previous = Slot.none
    var next = Slot.none
  }

  var key: DatagramKey
  /// When it is forgotten.
  var deadline: PacketTime
  /// What later fragments follow; `unknown` before the first one came.
  var fate = FragmentFate(.unknown)
  /// Two of its fragments contradicted each other: all others are dropped.
  var isPoisoned = false
  var ranges = FragmentRanges()
  /// Its waiting fragments.
  var heldFirst = Slot.none
  var heldLast = Slot.none
  var heldCount = 0
  /// The next in the same bucket, or the next free one.
  var next = Slot.none
  /// By `DatagramList.Order`.
  var links = InlineArray<2, Links>(repeating: Links())

  init(_ key: DatagramKey, deadline: PacketTime) {
    self.key = key
    self.deadline = deadline
  }
}

/// The ends of a list of datagrams, oldest first.
struct DatagramList {
  /// Which lists a datagram may be in at one time.
  enum Order: Int {
    /// All of a family.
    case age
    /// Those that hold fragments.
    case wait
  }

  private let order: Order
  private(set) var first = Slot.none
  private var last = Slot.none

  init(_ order: Order) { self.order = order }

  mutating func append(_ slot: UInt32, in datagrams: inout SlotArray<FragmentedDatagram>) {
    datagrams[slot].links[order.rawValue] = FragmentedDatagram.Links(previous: last, next: Slot.none)
    if last == Slot.none { first = slot } else { datagrams[last].links[order.rawValue].next = slot }
    last = slot
  }

  mutating func remove(_ slot: UInt32, in datagrams: inout SlotArray<FragmentedDatagram>) {
    let own = datagrams[slot].links[order.rawValue]
    if own.previous == Slot.none {
      first = own.next
    } else {
      datagrams[own.previous].links[order.rawValue].next = own.next
    }
    if own.next == Slot.none {
      last = own.previous
    } else {
      datagrams[own.next].links[order.rawValue].previous = own.previous
    }
  }
}
