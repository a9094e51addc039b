import Dataplane
import PacketIO
import Testing

@Suite("Random fragments, as a naive model treats them")
struct FragmentModelTests {
  private func setup(_ limits: FragmentLimits, workers: Int = 1, start: PacketTime) -> WorkerSetup {
    var setup = WorkerRun.setup(workers: workers)
    setup.fragments = limits
    setup.timeouts.learnedTCP = 86_400
    setup.timeouts.learnedUDP = 86_400
    setup.start = start
    return setup
  }

  private static let small: FragmentLimits = {
    var limits = FragmentLimits()
    limits.datagrams = 12
    limits.held = 10
    limits.heldPerDatagram = 4
    limits.packetSize = 150
    return limits
  }()

  /// The number that `FragmentTraffic` wrote into a packet.
  private func index(_ bytes: [UInt8]) -> Int { bytes[8..<12].reduce(0) { $0 << 8 | Int($1) } }

  private func outputs(_ run: WorkerRun) -> [(index: Int, reason: DropReason?)] {
    run.transmitted.filter { $0.decision.kind != .hold }.map {
      (index($0.bytes), $0.decision.kind == .drop ? $0.decision.reason : nil)
    }
  }

  /// Where two runs part, in words; nil when they do not.
  private func firstDifference(
    _ left: [(index: Int, reason: DropReason?)], _ right: [(index: Int, reason: DropReason?)],
    _ inputs: [FragmentModel.Input]
  ) -> String? {
    let common = min(left.count, right.count)
    let place = (0..<common).first { left[$0] != right[$0] } ?? (left.count == right.count ? nil : common)
    return place.map { place in
      let texts = [left, right].map { outputs in
        outputs.dropFirst(max(place - 1, 0)).prefix(3).map { output in
          "\(output.index) \(output.reason?.name ?? "passed") \(inputs[output.index].text)"
        }.joined(separator: ", ")
      }
      return "at \(place): \(texts[0]) but \(texts[1])"
    }
  }

  @Test(arguments: 1...20)
  func `verdicts, order and sessions`(seed: UInt64) throws {
    let inputs = FragmentTraffic.random(400, gap: seed % 3 == 0 ? 1500 : 20, seed: seed)
    let limits = seed % 2 == 0 ? Self.small : FragmentLimits()
    let model = FragmentModel(inputs, limits: limits)
    let start = inputs[0].packet.time
    let packets = inputs.map(\.packet)
    let run = try WorkerRun(packets, setup: setup(limits, start: start))
    run.counts.expectEquations()
    let ours = outputs(run)
    let difference = firstDifference(ours, model.outputs.map { ($0.index, $0.reason) }, inputs)
    #expect(difference == nil, "seed \(seed)")
    #expect(run.counts[.fragmentsHeld] == UInt64(model.everHeld))
    #expect(run.counts[.packets] == UInt64(inputs.count))
    // What comes out is what went in, each packet once.
    #expect(ours.map(\.index).sorted() == Array(0..<inputs.count))
    for packet in run.transmitted { #expect(packet.bytes == packets[index(packet.bytes)].bytes) }
    expectSessions(run, inputs, model)
  }

  private func expectSessions(_ run: WorkerRun, _ inputs: [FragmentModel.Input], _ model: FragmentModel) {
    var expected: [FiveTuple: [UInt64]] = [:]
    for output in model.outputs {
      guard let tuple = output.tuple else { continue }
      let bytes = UInt64(inputs[output.index].packet.bytes.count)
      expected[tuple, default: [0, 0]][0] += 1
      expected[tuple, default: [0, 0]][1] += bytes
    }
    for session in run.sessions {
      #expect(expected.removeValue(forKey: session.tuple) == [session.inPackets, session.inBytes])
      let back = expected.removeValue(forKey: session.tuple.reversed) ?? [0, 0]
      #expect(back == [session.outPackets, session.outBytes])
    }
    #expect(expected.isEmpty)
  }

  @Test(arguments: 21...26)
  func `any burst size gives the same`(seed: UInt64) throws {
    let inputs = FragmentTraffic.random(400, gap: seed % 3 == 0 ? 1500 : 20, seed: seed)
    let limits = seed % 2 == 0 ? Self.small : FragmentLimits()
    let packets = inputs.map(\.packet)
    let start = packets[0].time
    let one = try WorkerRun(packets, setup: setup(limits, start: start), burstLimit: 1)
    for (limit, sizes) in [(64, []), (256, []), (7, []), (64, [1, 64, 3, 2, 17])] {
      let other = try WorkerRun(
        packets, setup: setup(limits, start: start), burstLimit: limit, burstSizes: sizes)
      #expect(other.counts.comparable == one.counts.comparable, "seed \(seed), \(limit) \(sizes)")
      #expect(other.sessions.map(\.comparable) == one.sessions.map(\.comparable))
      let (left, right) = (outputs(other), outputs(one))
      #expect(firstDifference(left, right, inputs) == nil)
      let order = other.transmitted.filter { $0.decision.kind != .hold }.map(\.sequence)
      #expect(order == one.transmitted.filter { $0.decision.kind != .hold }.map(\.sequence))
    }
  }

  @Test(arguments: 31...36)
  func `any number of workers gives the same`(seed: UInt64) throws {
    let inputs = FragmentTraffic.random(3000, gap: seed % 3 == 0 ? 1500 : 20, seed: seed)
    let limits = seed % 2 == 0 ? Self.small : FragmentLimits()
    let packets = inputs.map(\.packet)
    let start = packets[0].time
    let one = try SeveralWorkers(packets, setup: setup(limits, start: start))
    one.counts.expectEquations()
    #expect(one.counts[.fragmentsHeld] > 100)
    for workers in [2, 4] {
      let many = try SeveralWorkers(packets, setup: setup(limits, workers: workers, start: start))
      many.counts.expectEquations()
      #expect(many.counts.comparable == one.counts.comparable, "\(workers) workers, seed \(seed)")
      #expect(many.sessions == one.sessions, "\(workers) workers, seed \(seed)")
    }
  }

  @Test(arguments: [2, 4])
  func `kept by datagram, every packet still has one verdict`(workers: Int) throws {
    let inputs = FragmentTraffic.random(3000, gap: 20, seed: 41)
    var setup = setup(FragmentLimits(), workers: workers, start: inputs[0].packet.time)
    setup.fragmentPlacement = .byDatagram
    let many = try SeveralWorkers(inputs.map(\.packet), setup: setup)
    many.counts.expectEquations()
    #expect(many.counts[.packets] == UInt64(inputs.count))
    #expect(many.counts[.laterFragments] > 500 && many.counts[.fragmentsHeld] > 100)
    #expect(many.perWorker.allSatisfy { $0[.fragmentsHeld] > 10 }, "every worker kept datagrams")
  }
}

extension FragmentModel.Input {
  fileprivate var text: String {
    fragment.map { "(\($0.datagram) \($0.start)..<\($0.stop)\($0.isLast ? " last" : ""))" } ?? "(whole)"
  }
}
