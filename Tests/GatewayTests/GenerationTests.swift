import Dataplane
import Foundation
import Gateway
import PacketIO
import Testing
import TrafficGenerator

@Suite("Generation: a capture, and straight through the packet path")
struct GenerationTests {
  private static func plan(_ change: (inout TrafficOptions) -> Void = { _ in }) throws -> TrafficPlan {
    var options = TrafficOptions()
    (options.flows, options.packets, options.families) = (800, 16_000, .both)
    change(&options)
    return try TrafficPlan(options)
  }

  private static func expect(_ generation: Generation, _ summary: ReplaySummary) {
    #expect(generation.differences(from: summary) == [])
    summary.expectEquations()
  }

  @Test(arguments: [1, 2, 4])
  func `what was made is what is counted`(workers: Int) throws {
    for distribution in TrafficOptions.Distribution.allCases {
      let generation = Generation(try Self.plan { $0.distribution = distribution })
      Self.expect(generation, try generation.run(workers: workers, onTick: {}))
    }
  }

  @Test func `a written capture, replayed, gives the same`() throws {
    let directory = try TemporaryDirectory()
    let file = directory.file("gen.pcap")
    for isNanosecond in [false, true] {
      let generation = Generation(try Self.plan())
      #expect(try generation.write(to: file, isNanosecond: isNanosecond, onTick: {}))
      let names = directory.names()
      #expect(names == ["gen.pcap"])
      for workers in [1, 2, 4] {
        Self.expect(generation, try Replay(Files.learning(file, workers: workers)).run())
      }
    }
  }

  @Test func `what is stopped leaves the file as it was`() throws {
    let directory = try TemporaryDirectory()
    let file = directory.file("gen.pcap")
    try Data("before".utf8).write(to: URL(fileURLWithPath: file))
    let generation = Generation(try Self.plan { $0.packets = 100_000 })
    #expect(try !generation.write(to: file, isNanosecond: false, onTick: { generation.progress.stop() }))
    let names = directory.names()
    #expect(names == ["gen.pcap"])
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "before")
  }

  @Test func `files that cannot be written are named`() throws {
    let directory = try TemporaryDirectory()
    for (path, code, words) in [
      (directory.path, ReplayError.Code.usage, "directory"), ("", .usage, "empty"),
      (directory.file("none") + "/", .usage, "directory"),
      (directory.file("none/gen.pcap"), .failed, "No such file"), ("/dev/full", .failed, "No space"),
    ] {
      let generation = Generation(try Self.plan())
      let error = try #require(throws: ReplayError.self) {
        _ = try generation.write(to: path, isNanosecond: false, onTick: {})
      }
      #expect(error.code == code && error.message.contains(words), "\(error)")
    }
  }

  @Test func `a file of the name that it has meanwhile is not touched`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("mine", to: "gen.pcap.part")
    let generation = Generation(try Self.plan())
    let error = try #require(throws: ReplayError.self) {
      _ = try generation.write(to: directory.file("gen.pcap"), isNanosecond: false, onTick: {})
    }
    #expect(error.code == .failed && error.message.contains("gen.pcap.part: is there already"), "\(error)")
    #expect(directory.names() == ["gen.pcap.part"])
    #expect(try directory.read("gen.pcap.part") == Data("mine".utf8))
  }
}
