import Dataplane
import Testing

/// Which FIN and RST a middlebox believes. Design decision 9, RFC 7323 §2 for the window.
@Suite("TCP plausibility")
struct TCPPlausibilityTests {
  /// Sends a RST, and a FIN without data, at `sequence` into two equal sessions; whether each was believed.
  private func believed(_ sequence: UInt32, fromServer: Bool, after prepare: (SessionBench) -> UInt32) throws
    -> Bool
  {
    var results: [Bool] = []
    for flags: TCPFlags in [.rst, [.fin, .ack]] {
      let bench = try SessionBench()
      let index = prepare(bench)
      let before = bench.state(index)
      let packets = bench.snapshot(index).inPackets + bench.snapshot(index).outPackets
      if fromServer { bench.server(flags, sequence) } else { bench.client(flags, sequence) }
      let isBelieved = bench.state(index) != before
      let isReset = flags.contains(.rst)
      if isBelieved {
        #expect(bench.state(index) == (isReset ? .closed : .closing1))
        if isReset { #expect(bench.snapshot(index).closeCode == .reset) }
      }
      #expect(bench.totals.implausibleReset == (isReset && !isBelieved ? 1 : 0))
      #expect(bench.totals.implausibleFin == (!isReset && !isBelieved ? 1 : 0))
      // Counted in any case.
      #expect(bench.snapshot(index).inPackets + bench.snapshot(index).outPackets == packets + 1)
      results.append(isBelieved)
    }
    #expect(results[0] == results[1])
    return results[0]
  }

  @Test func `equal to the highest ACK, or within the largest window after it`() throws {
    for (sequence, expected): (UInt32, Bool) in [
      (101, true), (102, true), (1101, true), (1102, false), (100, false), (0x8000_0000, false),
    ] {
      #expect(try believed(sequence, fromServer: false) { $0.shakeHands() } == expected, "\(sequence)")
    }
    for (sequence, expected): (UInt32, Bool) in [(501, true), (1501, true), (1502, false), (500, false)] {
      #expect(try believed(sequence, fromServer: true) { $0.shakeHands() } == expected, "\(sequence)")
    }
  }

  @Test func `the highest ACK and the largest window count, not the latest`() throws {
    func prepare(_ bench: SessionBench) -> UInt32 {
      let index = bench.shakeHands()
      bench.server(.ack, 501, 5000, window: 3000)
      bench.server(.ack, 501, 4000, window: 10)
      // A SYN/ACK sent again takes nothing back.
      bench.server([.syn, .ack], 500, 101)
      return index
    }
    for (sequence, expected): (UInt32, Bool) in [(4999, false), (5000, true), (8000, true), (8001, false)] {
      #expect(try believed(sequence, fromServer: false, after: prepare) == expected, "\(sequence)")
    }
  }

  @Test func `numbers wrap`() throws {
    func prepare(_ bench: SessionBench) -> UInt32 { bench.shakeHands(clientNumber: 0xFFFF_FF00) }
    // Acknowledged up to 0xFFFFFF01, which is -255: the window ends at 745.
    for (sequence, expected): (UInt32, Bool) in [
      (0xFFFF_FF00, false), (0xFFFF_FF01, true), (0, true), (745, true), (746, false),
    ] {
      #expect(try believed(sequence, fromServer: false, after: prepare) == expected, "\(sequence)")
    }
  }

  @Test func `a side whose numbers are unknown is believed`() throws {
    #expect(
      try believed(123_456_789, fromServer: true) { bench in
        // Only the server has been heard of: nothing tells what the client has acknowledged.
        bench.add(Ends().request(1))
        guard case .hit(let index) = bench.server(.ack, 7, 9) else { return FlowTable.none }
        return index
      })
    #expect(
      try believed(123_456_789, fromServer: false) { bench in
        bench.add(Ends().request(1))
        guard case .hit(let index) = bench.client(.ack, 7, 9) else { return FlowTable.none }
        return index
      })
  }

  @Test func `the refusal of a connection closes it`() throws {
    let bench = try SessionBench()
    guard case .learned(let index) = bench.client(.syn, 100) else { throw OutOfMemory() }
    bench.server([.rst, .ack], 0, 101)
    #expect(bench.state(index) == .closed && bench.totals.closedRST == 1)
  }

  @Test func `a FIN's place is behind its data`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    bench.server(.ack, 501, 151)
    // Sent again with data that was acknowledged meanwhile.
    bench.client([.fin, .ack], 101, 501, payload: 60)
    #expect(bench.state(index) == .closing1)
    bench.server([.fin, .ack], 501, 162)
    bench.client(.ack, 162, 502)
    #expect(bench.state(index) == .closed)
  }

  @Test func `RST after FIN closes by RST, an implausible one does not`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    bench.client([.fin, .ack], 101, 501)
    bench.server(.rst, 400)
    #expect(bench.state(index) == .closing1 && bench.totals.implausibleReset == 1)
    bench.client(.rst, 102)
    #expect(bench.state(index) == .closed && bench.snapshot(index).closeCode == .reset)
    #expect(bench.totals.closedRST == 1)
  }

  @Test func `an implausible FIN of the other side keeps it half closed`() throws {
    let bench = try SessionBench()
    let index = bench.shakeHands()
    bench.client([.fin, .ack], 101, 501)
    bench.server([.fin, .ack], 400, 102)
    #expect(bench.state(index) == .closing1 && bench.totals.implausibleFin == 1)
  }

  // MARK: Window scale

  @Test func `window scale counts when both SYNs have it`() throws {
    // Each ACK's window is 1000 << 7; a SYN's own is not scaled.
    func prepare(_ bench: SessionBench) -> UInt32 {
      let index = bench.shakeHands(scales: (3, 7))
      bench.server(.ack, 501, 101)
      return index
    }
    #expect(try believed(101 + 128_000, fromServer: false, after: prepare))
    #expect(try !believed(101 + 128_001, fromServer: false, after: prepare))
    func client(_ bench: SessionBench) -> UInt32 { bench.shakeHands(scales: (3, 7)) }
    #expect(try believed(501 + 8000, fromServer: true, after: client))
    #expect(try !believed(501 + 8001, fromServer: true, after: client))
  }

  @Test(arguments: [(7, nil), (nil, 7), (nil, nil)] as [(UInt8?, UInt8?)])
  func `window scale on one SYN only is none`(_ client: UInt8?, _ server: UInt8?) throws {
    func prepare(_ bench: SessionBench) -> UInt32 {
      // A multiple of 128: a SYN's window is rounded up to the unit that it announces.
      let index = bench.shakeHands(window: 1024, scales: (client, server))
      bench.server(.ack, 501, 101)
      return index
    }
    #expect(try believed(1125, fromServer: false, after: prepare))
    #expect(try !believed(1126, fromServer: false, after: prepare))
    #expect(try believed(1525, fromServer: true, after: prepare))
    #expect(try !believed(1526, fromServer: true, after: prepare))
  }

  @Test func `a SYN's own window is not scaled`() throws {
    // 1000 rounded up to the unit of 128.
    func prepare(_ bench: SessionBench) -> UInt32 {
      guard case .learned(let index) = bench.client(.syn, 100, scale: 7) else { return FlowTable.none }
      bench.server([.syn, .ack], 500, 101, scale: 7)
      return index
    }
    #expect(try believed(101 + 1024, fromServer: false, after: prepare))
    #expect(try !believed(101 + 1025, fromServer: false, after: prepare))
  }

  @Test func `a SYN's window is remembered in full when the other side does not scale`() throws {
    func prepare(_ bench: SessionBench) -> UInt32 {
      guard case .learned(let index) = bench.client(.syn, 100, window: 6400, scale: 7) else {
        return FlowTable.none
      }
      bench.server([.syn, .ack], 500, 101)
      bench.client(.ack, 101, 501, window: 10)
      return index
    }
    #expect(try believed(501 + 6400, fromServer: true, after: prepare))
    #expect(try !believed(501 + 6401, fromServer: true, after: prepare))
  }

  @Test func `a connection whose SYNs were not seen may have the largest scale`() throws {
    func prepare(_ bench: SessionBench) -> UInt32 {
      guard case .learned(let index) = bench.client(.ack, 101, 501, window: 2) else { return FlowTable.none }
      bench.server(.ack, 501, 101, window: 2)
      return index
    }
    #expect(try believed(101 + 32_768, fromServer: false, after: prepare))
    #expect(try !believed(101 + 32_769, fromServer: false, after: prepare))
  }

  @Test func `an absurd window scale counts as 14`() throws {
    func prepare(_ bench: SessionBench) -> UInt32 {
      let index = bench.shakeHands(window: 1, scales: (200, 200))
      bench.server(.ack, 501, 101, window: 1)
      return index
    }
    #expect(try believed(101 + 16_384, fromServer: false, after: prepare))
    #expect(try !believed(101 + 16_385, fromServer: false, after: prepare))
  }
}
