/// TCP tracking: what a segment does to a session. A state × segment table with a rule for which FIN and RST
/// are plausible. docs/tcp-tracking.md has the graph and the reasons.
///
/// Pure: reads a session's tracking values, returns what is to change.
package enum TCPTracking {
  /// What the table distinguishes, by flags alone.
  package enum Segment: UInt8, CaseIterable {
    /// ACK, data, or both.
    case plain
    case syn
    case synACK
    case fin
    case rst
    /// A combination no TCP sends: SYN with FIN or RST, or no flag at all.
    case nonsense

    @inline(__always) package init(_ flags: TCPFlags) {
      if flags.isDisjoint(with: [.syn, .fin, .rst]) {
        self = flags.isDisjoint(with: .ack) ? .nonsense : .plain
      } else if flags.contains(.syn) {
        self = !flags.isDisjoint(with: [.fin, .rst]) ? .nonsense : flags.contains(.ack) ? .synACK : .syn
      } else {
        self = flags.contains(.rst) ? .rst : .fin
      }
    }
  }

  /// What is to be done with the session.
  package enum Transition: Equatable {
    case stay
    case enter(TrackState)
    /// A FIN that changes the state; the segment's end is what the last ACK must cover.
    case closing(TrackState)
    case closed(CloseCode)
    /// A SYN on a closing or closed tuple: the old session ends, the packet starts anew.
    case reopen
    /// Forwarded and counted, the state stays.
    case implausible(Implausibility)
  }

  package enum Implausibility: Equatable {
    case reset, fin, synOnEstablished, nonsense
  }

  /// The facts about one segment that the table needs.
  package struct Input {
    package var segment: Segment
    /// Whether the session's initiator sent it.
    package var isFromInitiator: Bool
    /// Whether its sender has already sent the FIN that the state stands for.
    package var isFromFINSender: Bool
    /// Whether FIN or RST lies where its sender's sequence numbers can be.
    package var isPlausible: Bool
    /// Whether it acknowledges everything up to and including the last FIN.
    package var coversFIN: Bool
    /// Whether the session has seen no packet yet.
    package var isFirst: Bool

    package init(
      segment: Segment, isFromInitiator: Bool, isFromFINSender: Bool, isPlausible: Bool, coversFIN: Bool,
      isFirst: Bool
    ) {
      self.segment = segment
      self.isFromInitiator = isFromInitiator
      self.isFromFINSender = isFromFINSender
      self.isPlausible = isPlausible
      self.coversFIN = coversFIN
      self.isFirst = isFirst
    }
  }

  package static func transition(from state: TrackState, on input: Input) -> Transition {
    switch state {
    case .synSent: fromSYNSent(input)
    case .synReceived: fromSYNReceived(input)
    case .established: fromEstablished(input)
    case .closing1: fromClosing1(input)
    case .closing2: fromClosing2(input)
    case .closed: input.segment == .syn ? .reopen : .stay
    }
  }

  private static func fromSYNSent(_ input: Input) -> Transition {
    switch input.segment {
    case .synACK: input.isFromInitiator ? .stay : .enter(.synReceived)
    case .syn: input.isFromInitiator ? .stay : .enter(.synReceived)  // simultaneous open
    case .plain: .stay
    case .fin, .rst: ending(input)
    case .nonsense: .implausible(.nonsense)
    }
  }

  private static func fromSYNReceived(_ input: Input) -> Transition {
    switch input.segment {
    case .plain, .synACK: input.isFromInitiator ? .enter(.established) : .stay
    case .syn: .stay
    case .fin, .rst: ending(input)
    case .nonsense: .implausible(.nonsense)
    }
  }

  private static func fromEstablished(_ input: Input) -> Transition {
    switch input.segment {
    case .plain, .synACK: .stay
    case .syn: input.isFirst ? .stay : .implausible(.synOnEstablished)
    case .fin, .rst: ending(input)
    case .nonsense: .implausible(.nonsense)
    }
  }

  private static func fromClosing1(_ input: Input) -> Transition {
    switch input.segment {
    case .plain, .synACK: .stay
    case .syn: .reopen
    case .fin where input.isFromFINSender: .stay  // retransmitted
    case .fin: input.isPlausible ? .closing(.closing2) : .implausible(.fin)
    case .rst: ending(input)
    case .nonsense: .implausible(.nonsense)
    }
  }

  private static func fromClosing2(_ input: Input) -> Transition {
    switch input.segment {
    // A FIN may be retransmitted with the ACK that the other side's FIN waits for.
    case .plain, .fin: input.coversFIN && !input.isFromFINSender ? .closed(.finACK) : .stay
    case .synACK: .stay
    case .syn: .reopen
    case .rst: ending(input)
    case .nonsense: .implausible(.nonsense)
    }
  }

  private static func ending(_ input: Input) -> Transition {
    switch (input.segment, input.isPlausible) {
    case (.rst, true): .closed(.reset)
    case (.rst, false): .implausible(.reset)
    case (_, true): .closing(.closing1)
    case (_, false): .implausible(.fin)
    }
  }

  /// Whether `sequence` equals `acknowledged`, the highest ACK seen from the other side, or lies within
  /// `window` bytes after it. Modulo 2^32.
  package static func isWithin(_ sequence: UInt32, acknowledged: UInt32, window: UInt32) -> Bool {
    sequence &- acknowledged <= window
  }

  /// Whether `number` is `reference` or later, modulo 2^32.
  @inline(__always) package static func isAtOrAfter(_ number: UInt32, _ reference: UInt32) -> Bool {
    Int32(bitPattern: number &- reference) >= 0
  }
}
