extension Worker {
  /// Publishes what the burst added: verdicts, now final, drop reasons, copies and sessions.
  @inline(never)
  mutating func account(_ burst: borrowing PacketBurst) {
    publish(sum(burst), packets: UInt64(burst.count))
    publishCopies()
    publishSessions()
    reportEnded()
    if burst.count > 0 { time = max(time, burst.time(burst.count - 1)) }
  }

  /// What the packets of a burst add up to.
  private struct Sums {
    /// One 9-bit lane per verdict: a burst has at most 256 packets. The last one, for held packets, lacks
    /// bits and is not read: `tally.held` counts them.
    var verdicts: UInt64 = 0
    var bytes: UInt64 = 0
    var takenOver: UInt64 = 0

    func count(_ verdict: Verdict.Kind) -> UInt64 { verdicts >> (UInt64(verdict.rawValue) &* 9) & 511 }
  }

  // Mutating though nothing of the worker changes: to lend it to a function that only reads it copies all of
  // it.
  @inline(never)
  private mutating func sum(_ burst: borrowing PacketBurst) -> Sums {
    // Nearly always every packet is forwarded, and there are no verdicts to be looked at.
    if tally.forwarded == burst.count, !outcome.needsRewrite, !outcome.isChanged {
      return sumForwarded(burst)
    }
    var sums = Sums()
    for index in 0..<burst.count {
      let verdict = outcome.verdicts[index]
      sums.verdicts &+= 1 << (UInt64(verdict.kind.rawValue) &* 9)
      if verdict.kind == .drop { counters.add(verdict.reason, port: burst.port(index)) }
      let isOurs = verdict.kind.rawValue < Verdict.Kind.handOff.rawValue
      sums.bytes &+= isOurs ? UInt64(burst.originalLength(index)) : 0
      sums.takenOver &+= burst.isHandedOff(index) ? 1 : 0
    }
    // Packets count with the length they came with.
    sums.bytes &-= UInt64(bitPattern: Int64(tally.bytesGrown))
    return sums
  }

  private mutating func sumForwarded(_ burst: borrowing PacketBurst) -> Sums {
    var sums = Sums()
    for index in 0..<burst.count { sums.bytes &+= UInt64(burst.originalLength(index)) }
    if workerCount > 1 {
      for index in 0..<burst.count where burst.isHandedOff(index) { sums.takenOver += 1 }
    }
    sums.verdicts = UInt64(burst.count) << (UInt64(Verdict.Kind.forward.rawValue) &* 9)
    return sums
  }

  private mutating func publish(_ sums: Sums, packets: UInt64) {
    let handedOff = sums.count(.handOff)
    counters.add(.packets, packets - handedOff - tally.held - tally.neighborHeld)
    counters.add(.bytes, sums.bytes)
    counters.add(.handedOff, handedOff)
    counters.add(.takenOver, sums.takenOver)
    counters.add(.forwarded, sums.count(.forward))
    counters.add(.dropped, sums.count(.drop))
    counters.add(.mirrored, sums.count(.mirror))
    counters.add(.snooped, sums.count(.snoop))
    counters.add(.punted, sums.count(.punt))
    counters.add(.consumed, sums.count(.consume))
    let sent = sums.count(.forward) + sums.count(.mirror) + sums.count(.snoop) + sums.count(.punt)
    counters.add(.transmitted, sent)
    counters.add(.matched, tally.matched)
    counters.add(.missed, tally.missed)
    counters.add(.other, tally.other)
    counters.add(.snapped, tally.snapped)
    counters.add(.laterFragments, tally.laterFragments)
    counters.add(.fragmentsHeld, tally.held)
    counters.add(.icmpErrors, tally.icmpErrors)
    counters.set(.held, to: UInt64(fragments.held.count + router.cache.heldCount))
    counters.add(.learnFailed, tally.learnFailed)
    counters.add(.bursts)
  }

  private mutating func publishCopies() {
    guard outcome.copyCount > 0 else { return }
    for index in 0..<outcome.copyCount {
      let copy = outcome.copies[index]
      switch copy.origin {
      case .copy:
        counters.add(.copiesMade)
        if copy.failed { counters.add(.copiesFailed) }
      case .generated: if !copy.failed { counters.add(.generated) }
      case .released: publishReleased(copy)
      }
      if !copy.failed { counters.add(.transmitted) }
    }
  }

  mutating func publishSessions() {
    let totals = sessions.totals
    counters.set(.sessionsOpened, to: totals.opened)
    counters.set(.closedFINACK, to: totals.closedFINACK)
    counters.set(.closedRST, to: totals.closedRST)
    counters.set(.closedTimeout, to: totals.closedTimeout)
    counters.set(.sessionsDeleted, to: totals.deleted)
    counters.set(.implausibleReset, to: totals.implausibleReset)
    counters.set(.implausibleFin, to: totals.implausibleFin)
    counters.set(.synOnEstablished, to: totals.synOnEstablished)
    counters.set(.nonsenseFlags, to: totals.nonsenseFlags)
    counters.set(.reportsLost, to: sessions.ended.lost)
    counters.set(.liveSessions, to: UInt64(sessions.live))
    counters.set(.lingeringSessions, to: UInt64(sessions.lingering))
  }

  /// Passes on what happened to sessions. In replay, where nothing may be lost, it waits for room; live, what
  /// the control side has no room for stays for the next time.
  mutating func reportEnded() {
    guard let events else { return }
    sessions.ended.interest = events.interest
    let count = sessions.ended.count
    guard count > 0 else { return }
    var reported = 0
    while reported < count, report(sessions.ended[reported], to: events) { reported += 1 }
    sessions.ended.removeFirst(reported)
  }

  func report(_ event: SessionEvent, to events: SessionEvents) -> Bool {
    while !events.ring.push(event) {
      guard mesh.waits else { return false }
      ThreadPause.yield()
    }
    return true
  }
}
