import Dataplane
import Testing

/// Every state with every kind of segment, written down from semantics 2.2.4 and design decision 9.
@Suite("TCP state table")
struct TCPTransitionTests {
  private typealias Transition = TCPTracking.Transition
  private typealias Segment = TCPTracking.Segment

  /// One line: a state, a segment, what else must hold (nil: whatever), and what comes of it.
  private struct Row {
    var state: TrackState
    var segment: Segment
    var fromInitiator: Bool?
    var fromFINSender: Bool?
    var plausible: Bool?
    var covers: Bool?
    var first: Bool?
    var result: Transition

    init(
      _ state: TrackState, _ segment: Segment, initiator: Bool? = nil, finSender: Bool? = nil,
      plausible: Bool? = nil, covers: Bool? = nil, first: Bool? = nil, _ result: Transition
    ) {
      self.state = state
      self.segment = segment
      fromInitiator = initiator
      fromFINSender = finSender
      self.plausible = plausible
      self.covers = covers
      self.first = first
      self.result = result
    }

    func matches(_ state: TrackState, _ input: TCPTracking.Input) -> Bool {
      self.state == state && segment == input.segment
        && (fromInitiator ?? input.isFromInitiator) == input.isFromInitiator
        && (fromFINSender ?? input.isFromFINSender) == input.isFromFINSender
        && (plausible ?? input.isPlausible) == input.isPlausible
        && (covers ?? input.coversFIN) == input.coversFIN && (first ?? input.isFirst) == input.isFirst
    }
  }

  private static let rows: [Row] = [
    Row(.synSent, .plain, .stay),
    Row(.synSent, .syn, initiator: true, .stay),
    Row(.synSent, .syn, initiator: false, .enter(.synReceived)),
    Row(.synSent, .synACK, initiator: true, .stay),
    Row(.synSent, .synACK, initiator: false, .enter(.synReceived)),
    Row(.synSent, .fin, plausible: true, .closing(.closing1)),
    Row(.synSent, .fin, plausible: false, .implausible(.fin)),
    Row(.synSent, .rst, plausible: true, .closed(.reset)),
    Row(.synSent, .rst, plausible: false, .implausible(.reset)),
    Row(.synSent, .nonsense, .implausible(.nonsense)),

    Row(.synReceived, .plain, initiator: true, .enter(.established)),
    Row(.synReceived, .plain, initiator: false, .stay),
    Row(.synReceived, .syn, .stay),
    Row(.synReceived, .synACK, initiator: true, .enter(.established)),
    Row(.synReceived, .synACK, initiator: false, .stay),
    Row(.synReceived, .fin, plausible: true, .closing(.closing1)),
    Row(.synReceived, .fin, plausible: false, .implausible(.fin)),
    Row(.synReceived, .rst, plausible: true, .closed(.reset)),
    Row(.synReceived, .rst, plausible: false, .implausible(.reset)),
    Row(.synReceived, .nonsense, .implausible(.nonsense)),

    Row(.established, .plain, .stay),
    Row(.established, .syn, first: true, .stay),
    Row(.established, .syn, first: false, .implausible(.synOnEstablished)),
    Row(.established, .synACK, .stay),
    Row(.established, .fin, plausible: true, .closing(.closing1)),
    Row(.established, .fin, plausible: false, .implausible(.fin)),
    Row(.established, .rst, plausible: true, .closed(.reset)),
    Row(.established, .rst, plausible: false, .implausible(.reset)),
    Row(.established, .nonsense, .implausible(.nonsense)),

    Row(.closing1, .plain, .stay),
    Row(.closing1, .syn, .reopen),
    Row(.closing1, .synACK, .stay),
    Row(.closing1, .fin, finSender: true, .stay),
    Row(.closing1, .fin, finSender: false, plausible: true, .closing(.closing2)),
    Row(.closing1, .fin, finSender: false, plausible: false, .implausible(.fin)),
    Row(.closing1, .rst, plausible: true, .closed(.reset)),
    Row(.closing1, .rst, plausible: false, .implausible(.reset)),
    Row(.closing1, .nonsense, .implausible(.nonsense)),

    Row(.closing2, .plain, finSender: true, .stay),
    Row(.closing2, .plain, finSender: false, covers: true, .closed(.finACK)),
    Row(.closing2, .plain, finSender: false, covers: false, .stay),
    Row(.closing2, .syn, .reopen),
    Row(.closing2, .synACK, .stay),
    Row(.closing2, .fin, finSender: true, .stay),
    Row(.closing2, .fin, finSender: false, covers: true, .closed(.finACK)),
    Row(.closing2, .fin, finSender: false, covers: false, .stay),
    Row(.closing2, .rst, plausible: true, .closed(.reset)),
    Row(.closing2, .rst, plausible: false, .implausible(.reset)),
    Row(.closing2, .nonsense, .implausible(.nonsense)),

    Row(.closed, .plain, .stay),
    Row(.closed, .syn, .reopen),
    Row(.closed, .synACK, .stay),
    Row(.closed, .fin, .stay),
    Row(.closed, .rst, .stay),
    Row(.closed, .nonsense, .stay),
  ]

  @Test func `every state, segment and circumstance does what the table says`() {
    for state in TrackState.allCases {
      for segment in Segment.allCases {
        for facts in 0..<32 {
          let input = TCPTracking.Input(
            segment: segment, isFromInitiator: facts & 1 != 0, isFromFINSender: facts & 2 != 0,
            isPlausible: facts & 4 != 0, coversFIN: facts & 8 != 0, isFirst: facts & 16 != 0)
          let rows = Self.rows.filter { $0.matches(state, input) }
          #expect(rows.count == 1, "\(state) \(segment) \(facts)")
          #expect(
            rows.first?.result == TCPTracking.transition(from: state, on: input),
            "\(state) \(segment) \(facts)")
        }
      }
    }
  }

  @Test func `all 256 combinations of flags are of the right kind`() {
    for bits in UInt8.min...UInt8.max {
      let flags = TCPFlags(rawValue: bits)
      let (syn, fin) = (flags.contains(.syn), flags.contains(.fin))
      let (rst, ack) = (flags.contains(.rst), flags.contains(.ack))
      let expected: Segment =
        switch (syn, fin, rst, ack) {
        case (true, false, false, false): .syn
        case (true, false, false, true): .synACK
        case (true, _, _, _): .nonsense
        case (false, _, true, _): .rst
        case (false, true, false, _): .fin
        case (false, false, false, true): .plain
        case (false, false, false, false): .nonsense
        }
      #expect(Segment(flags) == expected, "\(flags)")
      // The fast path takes exactly the plain ones.
      #expect(flags.isOrdinary == (expected == .plain), "\(flags)")
    }
  }

  @Test func `sequence comparison wraps`() {
    #expect(TCPTracking.isAtOrAfter(0, 0xFFFF_FFFF))
    #expect(!TCPTracking.isAtOrAfter(0xFFFF_FFFF, 0))
    #expect(TCPTracking.isAtOrAfter(5, 5))
    #expect(TCPTracking.isWithin(2, acknowledged: 0xFFFF_FFF0, window: 18))
    #expect(!TCPTracking.isWithin(3, acknowledged: 0xFFFF_FFF0, window: 18))
    #expect(TCPTracking.isWithin(0xFFFF_FFF0, acknowledged: 0xFFFF_FFF0, window: 0))
    #expect(!TCPTracking.isWithin(0xFFFF_FFEF, acknowledged: 0xFFFF_FFF0, window: 100))
  }
}
