import Dataplane
import Testing

/// The counters of one or several workers, summed, as they were at one moment.
struct Counts: Equatable {
  private(set) var values: [UInt64]
  private(set) var drops: [UInt64]

  init(_ pages: [CounterPage]) {
    values = Counter.allCases.map { counter in pages.reduce(0) { $0 + $1[counter] } }
    drops = DropReason.allCases.map { reason in pages.reduce(0) { $0 + $1[reason] } }
  }

  subscript(counter: Counter) -> UInt64 { values[counter.rawValue] }
  subscript(reason: DropReason) -> UInt64 { drops[Int(reason.rawValue)] }

  /// Without what may differ between ways to run the same packets: bursts and hand-offs.
  var comparable: Counts {
    var copy = self
    for counter in [Counter.bursts, .handedOff, .takenOver, .commands, .commandNanoseconds] {
      copy.values[counter.rawValue] = 0
    }
    return copy
  }

  /// The equations of design decision 6, nothing being held.
  func expectEquations(_ location: SourceLocation = #_sourceLocation) {
    let verdicts: [Counter] = [.forwarded, .dropped, .mirrored, .snooped, .punted, .consumed]
    let decided = verdicts.reduce(0) { $0 + self[$1] }
    #expect(self[.packets] == decided, "each packet has one verdict", sourceLocation: location)
    #expect(self[.dropped] == drops.reduce(0, +), "each drop has a reason", sourceLocation: location)
    #expect(
      self[.packets] == self[.matched] + self[.missed] + self[.other],
      "each packet found a session, found none or could not have one", sourceLocation: location)
    #expect(
      self[.transmitted] == self[.forwarded] + self[.mirrored] + self[.snooped] + self[.punted]
        + self[.generated] + self[.copiesMade] - self[.copiesFailed],
      "all that was sent has a cause", sourceLocation: location)
    #expect(self[.handedOff] == self[.takenOver], "hand-offs cancel", sourceLocation: location)
    #expect(self[.held] == 0, sourceLocation: location)
    let ended = [Counter.closedFINACK, .closedRST, .closedTimeout, .sessionsDeleted].reduce(0) {
      $0 + self[$1]
    }
    #expect(self[.sessionsOpened] == ended + self[.liveSessions], sourceLocation: location)
  }
}
