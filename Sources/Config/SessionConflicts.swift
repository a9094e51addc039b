internal import Dataplane

/// Finds sessions that cannot exist beside each other: one id twice, or one packet for two of them.
struct SessionConflicts {
  /// Where an accepted session came from, for the message: its index in the list, or -1 for another list.
  private struct Accepted {
    let request: SessionRequest
    let index: Int
    /// The next accepted one of the same tuple, -1 at the end.
    let next: Int
  }

  private var accepted: [Accepted] = []
  private var byID: [UInt64: Int] = [:]
  private var byTuple: [FiveTuple: Int] = [:]

  /// What `request` contradicts, as key and message; nil if nothing, and then it counts as accepted.
  mutating func accept(_ request: SessionRequest, index: Int) -> (key: String, message: String)? {
    if request.id != .unassigned, let other = byID[request.id.rawValue] {
      return (
        "session_id", "\(request.id) is also the id of \(name(accepted[other])); accepted: unique ids, or 0"
      )
    }
    let tuple = request.tuple.ordered
    let head = byTuple[tuple] ?? -1
    var position = head
    while position >= 0 {
      let other = accepted[position]
      if request.collides(with: other.request) {
        return (
          "sourceip", "this 5-tuple is also that of \(name(other)), on LIFs that overlap; keep one of them"
        )
      }
      position = other.next
    }
    if request.id != .unassigned { byID[request.id.rawValue] = accepted.count }
    byTuple[tuple] = accepted.count
    accepted.append(Accepted(request: request, index: index, next: head))
    return nil
  }

  private func name(_ session: Accepted) -> String {
    session.index < 0 ? "a session loaded before" : "sessions[\(session.index)]"
  }
}

extension FiveTuple {
  /// The same for both directions.
  fileprivate var ordered: FiveTuple { isOrdered ? self : reversed }

  fileprivate var isOrdered: Bool {
    (source.high, source.low, sourcePort) <= (destination.high, destination.low, destinationPort)
  }

  private var reversed: FiveTuple {
    FiveTuple(
      source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort,
      transport: transport)
  }
}

extension SessionRequest {
  /// Whether some packet would belong to both. Both have the same tuple in one of its directions.
  fileprivate func collides(with other: SessionRequest) -> Bool {
    if tuple.isOrdered == other.tuple.isOrdered {
      return inLIF.overlaps(other.inLIF) || outLIF.overlaps(other.outLIF)
    }
    return inLIF.overlaps(other.outLIF) || outLIF.overlaps(other.inLIF)
  }
}
