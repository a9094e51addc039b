import Dataplane
import Testing

/// Connections through a session table, packet by packet. Semantics 2.2.4, design decision 9.
@Suite("TCP tracking")
struct TCPTrackingTests {
  // MARK: Opening and idling

  @Test func `a handshake goes through its states and counts each way`() throws {
    let bench = try SessionBench()
    guard case .learned(let index) = bench.client(.syn, 100) else { throw OutOfMemory() }
    #expect(bench.state(index) == .synSent)
    #expect(bench.server([.syn, .ack], 500, 101) == .hit(index))
    #expect(bench.state(index) == .synReceived)
    bench.client(.ack, 101, 501)
    #expect(bench.state(index) == .established)
    let session = bench.snapshot(index)
    #expect(session.inPackets == 2 && session.outPackets == 1)
    #expect(session.inBytes == 200 && session.outBytes == 100)
    #expect(session.state == .established && session.isLearned && session.tuple == Ends().tuple)
    #expect(bench.problems == [])
  }

  @Test(arguments: [0, 1]) func `before the handshake completes 30 seconds of silence end it`(_ answers: Int)
    throws
  {
    let bench = try SessionBench()
    bench.client(.syn, 100)
    if answers == 1 { bench.server([.syn, .ack], 500, 101) }
    let last = bench.now
    bench.now = last + 30 * SessionBench.second - 1
    bench.expire()
    #expect(bench.live == 1)
    bench.now += 1
    bench.expire()
    #expect(bench.live == 0)
    let ended = try #require(bench.takeEnded().first)
    #expect(ended.closeCode == .timeout && ended.state == .closed)
    #expect(ended.end.nanoseconds == last + 30 * SessionBench.second)
  }

  @Test(arguments: [(SessionProtocol.tcp, 3600), (.udp, 60)] as [(SessionProtocol, UInt64)])
  func `idle time of learned sessions`(_ transport: SessionProtocol, _ seconds: UInt64) throws {
    let bench = try SessionBench()
    let ends = Ends(transport: transport)
    bench.send(ends.packet(at: bench.now))
    bench.wait(20)
    bench.send(ends.packet(back: true, at: bench.now))
    let last = bench.now
    // A packet one nanosecond early still belongs to it, and renews it.
    bench.now = last + seconds * SessionBench.second - 1
    guard case .hit = bench.send(ends.packet(at: bench.now)) else {
      Issue.record("ended early")
      return
    }
    let renewed = bench.now
    bench.now = renewed + seconds * SessionBench.second
    guard case .learned = bench.send(ends.packet(at: bench.now)) else {
      Issue.record("did not end")
      return
    }
    let ended = bench.takeEnded()
    #expect(ended.count == 1 && ended[0].inPackets == 2 && ended[0].outPackets == 1)
    #expect(ended[0].end.nanoseconds == renewed + seconds * SessionBench.second)
    #expect(bench.problems == [])
  }

  @Test func `the end is the last packet plus the timeout whenever it is noticed`() throws {
    for delay: Double in [60, 60.001, 61, 4000, 100_000] {
      for isByPacket in [false, true] {
        let bench = try SessionBench()
        let ends = Ends(transport: .udp)
        bench.send(ends.packet(at: bench.now))
        bench.wait(delay)
        if isByPacket { bench.send(ends.packet(at: bench.now), learns: false) } else { bench.expire() }
        let ended = bench.takeEnded()
        #expect(ended.map(\.end.nanoseconds) == [SessionBench.start + 60 * SessionBench.second])
      }
    }
  }

  @Test func `a packet older than the last one belongs to the session and does not shorten its life`() throws
  {
    let bench = try SessionBench()
    let ends = Ends(transport: .udp)
    bench.send(ends.packet(at: bench.now))
    guard case .hit(let index) = bench.send(ends.packet(back: true, at: bench.now - 1_000_000)) else {
      Issue.record("an older packet is no hit")
      return
    }
    #expect(bench.snapshot(index).lastSeen.nanoseconds == bench.now)
  }

  // MARK: FIN

  @Test func `both FINs and the last ACK close it, late packets count into it for 10 seconds`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    bench.client([.fin, .ack], 101, 501)
    #expect(bench.state(index) == .closing1 && bench.snapshot(index).state == .closing1)
    bench.server(.ack, 501, 102)
    #expect(bench.state(index) == .closing1)
    // Half closed: the server's data keeps counting.
    bench.server(.ack, 501, 102, payload: 50)
    bench.client(.ack, 102, 551)
    bench.server([.fin, .ack], 551, 102)
    #expect(bench.state(index) == .closing2)
    // Acknowledges data only, not the FIN.
    bench.client(.ack, 102, 551)
    #expect(bench.state(index) == .closing2 && bench.live == 1)
    bench.wait(1)
    bench.client(.ack, 102, 552)
    #expect(bench.state(index) == .closed && bench.live == 0 && bench.lingering == 1)
    #expect(bench.capacity.count == 0 && bench.totals.closedFINACK == 1)
    let closing = bench.now
    bench.wait(9)
    #expect(bench.server(.ack, 552, 102) == .hit(index))
    bench.now = closing + 10 * SessionBench.second - 1
    #expect(bench.client(.ack, 102, 552) == .hit(index))
    #expect(bench.takeEnded().isEmpty)
    bench.now = closing + 10 * SessionBench.second
    bench.expire()
    let ended = bench.takeEnded()
    #expect(ended.count == 1 && ended[0].closeCode == .finACK && ended[0].end.nanoseconds == closing)
    #expect(ended[0].inPackets == 7 && ended[0].outPackets == 5)
    #expect(bench.problems == [] && bench.table.flows.count == 0)
  }

  @Test func `a packet at the end of lingering opens a new session`() throws {
    let bench = try SessionBench()
    _ = bench.shakeHands()
    bench.server([.rst, .ack], 501, 101)
    bench.wait(10)
    guard case .learned = bench.client(.ack, 101, 501) else {
      Issue.record("still lingering")
      return
    }
    #expect(bench.takeEnded().map(\.closeCode) == [.reset])
  }

  @Test func `retransmitted FINs do not advance the state`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    for _ in 0..<3 { bench.client([.fin, .ack], 101, 501) }
    #expect(bench.state(index) == .closing1)
    bench.server([.fin, .ack], 501, 101)
    #expect(bench.state(index) == .closing2)
    for _ in 0..<3 { bench.server([.fin, .ack], 501, 101) }
    bench.client([.fin, .ack], 101, 501)
    #expect(bench.state(index) == .closing2)
    bench.client([.fin, .ack], 101, 502)
    #expect(bench.state(index) == .closed && bench.snapshot(index).closeCode == .finACK)
    #expect(bench.snapshot(index).inPackets == 7 && bench.snapshot(index).outPackets == 5)
  }

  @Test func `simultaneous close ends with the ACK of the FIN that came second`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    bench.client([.fin, .ack], 101, 501)
    bench.server([.fin, .ack], 501, 101)
    #expect(bench.state(index) == .closing2)
    bench.server(.ack, 502, 102)
    #expect(bench.state(index) == .closing2)
    bench.client(.ack, 102, 502)
    #expect(bench.state(index) == .closed)
  }

  @Test func `the roles may be the other way round`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    bench.server([.fin, .ack], 501, 101)
    bench.client(.ack, 101, 502)
    bench.client([.fin, .ack], 101, 502)
    #expect(bench.state(index) == .closing2)
    bench.client(.ack, 102, 502)
    #expect(bench.state(index) == .closing2)
    bench.server(.ack, 502, 102)
    #expect(bench.state(index) == .closed)
  }

  @Test func `a closing session is over after 10 seconds of silence`() throws {
    for fins in [1, 2] {
      let bench = try SessionBench()
      let index = bench.shakeHands()
      bench.client([.fin, .ack], 101, 501)
      if fins == 2 { bench.server([.fin, .ack], 501, 101) }
      bench.wait(9)
      bench.server(.ack, 501, 101)
      #expect(bench.state(index).isClosing)
      let last = bench.now
      bench.wait(10)
      bench.expire()
      let ended = bench.takeEnded()
      #expect(ended.map(\.closeCode) == [.timeout] && bench.lingering == 0)
      #expect(ended[0].end.nanoseconds == last + 10 * SessionBench.second)
    }
  }

  @Test func `sequence numbers may wrap in the middle of closing`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands(clientNumber: 0xFFFF_FFF0, serverNumber: 0xFFFF_FFFE)
    bench.client([.fin, .ack], 0xFFFF_FFF1, 0xFFFF_FFFF, payload: 20)
    #expect(bench.state(index) == .closing1)
    bench.server([.fin, .ack], 0xFFFF_FFFF, 6)
    #expect(bench.state(index) == .closing2)
    bench.client(.ack, 6, 0xFFFF_FFFF)
    #expect(bench.state(index) == .closing2)
    bench.client(.ack, 6, 0)
    #expect(bench.state(index) == .closed)
  }

  // MARK: A new connection on the tuple

  @Test func `a SYN while one side has closed ends the session by TIMEOUT`() throws {
    let bench = try SessionBench()
    _ = bench.shakeHands()
    bench.client([.fin, .ack], 101, 501)
    bench.wait(1)
    guard case .learned(let fresh) = bench.client(.syn, 9000) else {
      Issue.record("the SYN opened nothing")
      return
    }
    let ended = bench.takeEnded()
    #expect(ended.map(\.closeCode) == [.timeout] && ended[0].inPackets == 3 && ended[0].end == bench.time)
    #expect(bench.state(fresh) == .synSent && bench.snapshot(fresh).inPackets == 1 && bench.live == 1)
    #expect(bench.problems == [])
  }

  @Test func `a SYN after both FINs ends the session by FINACK, by whomever it is sent`() throws {
    for fromServer in [false, true] {
      let bench = try SessionBench()
      _ = bench.shakeHands()
      bench.client([.fin, .ack], 101, 501)
      bench.server([.fin, .ack], 501, 102)
      let fate = fromServer ? bench.server(.syn, 9000) : bench.client(.syn, 9000)
      guard case .learned(let fresh) = fate else {
        Issue.record("the SYN opened nothing")
        return
      }
      #expect(bench.takeEnded().map(\.closeCode) == [.finACK])
      #expect(bench.snapshot(fresh).tuple == (fromServer ? Ends().swapped : Ends().tuple))
      #expect(bench.problems == [])
    }
  }

  @Test(arguments: [CloseCode.finACK, .reset])
  func `a SYN after the close starts anew, the close code stays`(_ code: CloseCode) throws {
    let bench = try SessionBench()
    _ = bench.shakeHands()
    if code == .reset {
      bench.client(.rst, 101)
    } else {
      bench.client([.fin, .ack], 101, 501)
      bench.server([.fin, .ack], 501, 102)
      bench.client(.ack, 102, 502)
    }
    bench.wait(1)
    guard case .learned = bench.client(.syn, 9000) else {
      Issue.record("the SYN opened nothing")
      return
    }
    #expect(bench.takeEnded().map(\.closeCode) == [code])
    #expect(bench.totals.closedTimeout == 0 && bench.totals.opened == 2 && bench.problems == [])
  }

  @Test func `a SYN on an established session is counted and changes nothing`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    #expect(bench.client(.syn, 9000) == .hit(index))
    #expect(bench.state(index) == .established && bench.totals.synOnEstablished == 1)
    #expect(bench.snapshot(index).inPackets == 3)
  }

  @Test func `a SYN as first packet of a session by request is not odd`() throws {
    let bench = try SessionBench()
    bench.add(Ends().request(7))
    guard case .hit(let index) = bench.client(.syn, 100) else {
      Issue.record("no hit")
      return
    }
    bench.server([.syn, .ack], 500, 101)
    bench.client(.ack, 101, 501)
    #expect(bench.state(index) == .established && bench.totals.synOnEstablished == 0)
    bench.client(.syn, 100)
    #expect(bench.totals.synOnEstablished == 1)
  }

  @Test func `flags that no TCP sends are counted and change nothing`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    for flags: TCPFlags in [[], [.syn, .fin], [.syn, .rst], [.psh, .urg]] { bench.client(flags, 101, 501) }
    #expect(bench.state(index) == .established && bench.totals.nonsenseFlags == 4)
    #expect(bench.snapshot(index).inPackets == 6)
  }
}
