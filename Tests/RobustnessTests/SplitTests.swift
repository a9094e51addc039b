import Config
import Dataplane
import Foundation
import FuzzTargets
import Gateway
import PacketIO
import Testing

@Suite("Any split of a capture, the same answer")
struct SplitTests {
  @Test(arguments: Sequences.seeds)
  func `one file, files in order, files merged by time`(seed: UInt64) throws {
    let sequence = RandomSequence(seed: seed, count: 1200)
    let directory = FileManager.default.temporaryDirectory.appending(path: "sluice-split-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    var random = SplitMix64(state: seed)
    let whole = sequence.packets.map { _ in 0 }
    let cuts = [300 + random.below(300), 700 + random.below(300)]
    let inOrder = sequence.packets.indices.map { index in cuts.count { $0 <= index } }
    let interleaved = sequence.packets.map { _ in random.below(5) }
    let one = try SplitRun(sequence, whole, workers: 1, burstLimit: 64, in: directory)
    #expect(one.packets == 1200 && !one.files.isEmpty, "seed \(seed)")
    for (name, split) in [("whole", whole), ("in order", inOrder), ("merged by time", interleaved)] {
      for workers in [1, 2, 4] {
        let limit = 1 + random.below(256)
        let run = try SplitRun(sequence, split, workers: workers, burstLimit: limit, in: directory)
        let what = "seed \(seed), \(name), \(workers) workers, bursts of \(limit)"
        #expect(run.totals == one.totals, "\(what)")
        #expect(run.sessions == one.sessions, "\(what)")
        #expect(run.files.keys.sorted() == one.files.keys.sorted(), "\(what)")
        for (file, bytes) in one.files { #expect(run.files[file] == bytes, "\(what), \(file)") }
      }
    }
  }

  @Test(arguments: Sequences.seeds)
  func `blocks of any size`(seed: UInt64) {
    let bytes = SplitRun.capture(RandomSequence(seed: seed, count: 300).packets)
    #expect(FuzzTarget.captures.problems(with: bytes) == [], "seed \(seed)")
  }
}

/// A replay of a sequence from one or several captures, and all that came out.
private struct SplitRun {
  let packets: UInt64
  let totals: [String]
  let sessions: [String]
  let files: [String: Data]

  /// - Parameter split: for each packet the number of its capture.
  init(_ sequence: RandomSequence, _ split: [Int], workers: Int, burstLimit: Int, in directory: URL) throws {
    let count = 1 + (split.max() ?? 0)
    let output = directory.appending(path: "out")
    try? FileManager.default.removeItem(at: output)
    var captures: [String] = []
    for number in 0..<count {
      let part = zip(sequence.packets, split).filter { $0.1 == number }.map(\.0)
      let file = directory.appending(path: "\(number).pcap")
      try Data(Self.capture(part)).write(to: file)
      captures.append(file.path)
    }
    var options = ReplayOptions(captures: captures)
    options.configuration = Self.configuration(sequence, ports: count)
    options.workers = workers
    options.burstLimit = burstLimit
    options.writeDirectory = output.path
    options.reportsSessions = true
    var sessions: [String] = []
    let summary = try Replay(options).run(onSession: { session in
      var known = session
      if session.isLearned { known.id = .unassigned }
      sessions.append("\(known)")
    })
    let dropped = summary.drops.reduce(0) { $0 + $1.count }
    let problems = CounterEquations.problems(dropped: dropped) { summary[$0] }
    #expect(problems.isEmpty && summary.error == nil)
    let differing: Set<Counter> = [
      .bursts, .handedOff, .takenOver, .commands, .commandNanoseconds,
    ]
    packets = summary[.packets]
    totals =
      Counter.allCases.filter { !differing.contains($0) }.map { "\($0) \(summary[$0])" }
      + summary.drops.map { "\($0.reason) \($0.count)" } + summary.notes.map { "\($0.name) \($0.count)" }
    self.sessions = sessions.sorted()
    var files: [String: Data] = [:]
    for file in try FileManager.default.contentsOfDirectory(at: output, includingPropertiesForKeys: nil) {
      files[file.lastPathComponent] = try Data(contentsOf: file)
    }
    self.files = files
  }

  /// A port for each capture; all send to the first one's LIF.
  private static func configuration(_ sequence: RandomSequence, ports: Int) -> Configuration {
    var configuration = Configuration()
    configuration.capacity = 10_000
    configuration.tcpControl = sequence.tcpControl
    configuration.neighbors = [RandomSequence.neighbor]
    configuration.copies = sequence.copies
    // Captures arrive on LIFs of their own, so sessions may not ask for one.
    configuration.sessions = sequence.requests.map { request in
      var request = request
      request.outLIF = .any
      return request
    }
    configuration.ports = (1...ports).map { number in
      var port = Config.Port(
        name: "\(number)", lif: LIF(number: UInt16(number)), peer: LIF(number: 1), miss: sequence.miss)
      port.learnedAction = sequence.learnedAction
      port.nonSession = sequence.nonSession
      return port
    }
    return configuration
  }

  /// A classic capture file: little-endian, microseconds, Ethernet. pcap-savefile(5).
  static func capture(_ packets: [MemoryQueue.Packet]) -> [UInt8] {
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    var bytes = word(0xA1B2_C3D4) + [2, 0, 4, 0] + word(0) + word(0) + word(262_144) + word(1)
    for packet in packets {
      let microseconds = packet.time.nanoseconds / 1000
      bytes += word(UInt32(microseconds / 1_000_000)) + word(UInt32(microseconds % 1_000_000))
      bytes += word(UInt32(packet.bytes.count))
      bytes += word(packet.originalLength ?? UInt32(packet.bytes.count)) + packet.bytes
    }
    return bytes
  }
}
