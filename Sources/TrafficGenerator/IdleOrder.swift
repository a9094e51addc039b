/// Conversations in the order of their last packets, so that none is silent for too long. All O(1).
struct IdleOrder: Sendable {
  private struct Place {
    var older = IdleOrder.none
    var newer = IdleOrder.none
    /// The position of its last packet, or that at which it was added.
    var position: UInt32 = 0
  }

  private static let none = UInt32.max
  private var places: [Place]
  private var oldest = none
  private var newest = none

  init(count: Int) { places = [Place](repeating: Place(), count: count) }

  /// The conversation whose last packet lies furthest back, and where; nil when there is none.
  var first: (index: Int, position: UInt32)? {
    oldest == Self.none ? nil : (Int(oldest), places[Int(oldest)].position)
  }

  /// Puts `index`, which must not be in it, at the end.
  mutating func append(_ index: Int, at position: UInt32) {
    places[index] = Place(older: newest, newer: Self.none, position: position)
    if newest == Self.none {
      oldest = UInt32(index)
    } else {
      places[Int(newest)].newer = UInt32(index)
    }
    newest = UInt32(index)
  }

  /// Takes `index`, which must be in it, out.
  mutating func remove(_ index: Int) {
    let place = places[index]
    if place.older == Self.none { oldest = place.newer } else { places[Int(place.older)].newer = place.newer }
    if place.newer == Self.none { newest = place.older } else { places[Int(place.newer)].older = place.older }
  }
}
