import Dataplane
import Foundation
import Gateway
import Testing

@Suite("Replay: the directory that is written to")
struct OutputDirectoryTests {
  private func options(_ path: String, workers: Int = 1) -> ReplayOptions {
    var options = ReplayOptions(captures: [Files.demo])
    options.workers = workers
    options.writeDirectory = path
    return options
  }

  @Test func `a file in its place is refused, a file in its way an error`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("mine", to: "out")
    let refusal = #expect(throws: ReplayError.self) { try ReplayRun(options(directory.file("out"))) }
    #expect(refusal?.code == .usage && refusal?.message.contains(directory.file("out")) == true)
    let failure = #expect(throws: ReplayError.self) { try ReplayRun(options(directory.file("out/deeper"))) }
    #expect(failure?.code == .failed && failure?.message.contains(directory.file("out/deeper")) == true)
    #expect(try directory.read("out") == Data("mine".utf8))
  }

  @Test(arguments: [1, 2]) func `it is made, with all directories above it`(workers: Int) throws {
    let directory = try TemporaryDirectory()
    let summary = try ReplayRun(options(directory.file("a/b/c"), workers: workers)).summary
    #expect(summary.error == nil && directory.names("a/b/c") == ["lif-1.pcap"])
  }

  @Test(arguments: [1, 2], ["lif-1.pcap", "drop.pcap"])
  func `a capture that is replayed is not overwritten, nor is anything removed then`(
    workers: Int, name: String
  ) throws {
    let directory = try TemporaryDirectory()
    let others = ["lif-2.pcap", "lif-3.pcap", "mirror.pcap", "punt.pcap", "snoop.pcap", "zebra.txt"]
    for other in others { try directory.write("of an earlier run", to: other) }
    try FileManager.default.copyItem(atPath: Files.demo, toPath: directory.file(name))
    try FileManager.default.createSymbolicLink(
      atPath: directory.file("link"), withDestinationPath: directory.file(name))
    for capture in [name, "link"] {
      var options = options(directory.path, workers: workers)
      options.captures = [directory.file(capture)]
      let refusal = #expect(throws: ReplayError.self) { try ReplayRun(options) }
      #expect(refusal?.code == .usage && refusal?.message.contains("overwrite") == true)
      #expect(refusal?.message.contains(directory.file(name)) == true)
      #expect(try directory.read(name) == Data(contentsOf: URL(filePath: Files.demo)))
      #expect(directory.names() == (others + [name, "link"]).sorted(), "nothing was removed")
    }
  }

  @Test(arguments: [1, 2]) func `files of an earlier run go, others stay`(workers: Int) throws {
    let directory = try TemporaryDirectory()
    let ours = ["lif-9.pcap", "lif-1.pcap", "mirror.pcap", "snoop.pcap", "drop-linktype-101.pcap"]
    let others = ["lif-x.pcap", "mirrored.pcap", "trace.pcap", "drop.txt", "lif-1", "sessions.jsonl"]
    for name in ours + others { try directory.write("of an earlier run", to: name) }
    try directory.makeDirectory("drop.pcap")
    let summary = try ReplayRun(options(directory.path, workers: workers)).summary
    #expect(summary.error == nil)
    #expect(directory.names() == (others + ["drop.pcap", "lif-1.pcap"]).sorted())
    for name in others { #expect(try directory.read(name) == Data("of an earlier run".utf8)) }
    #expect(try CaptureFile(directory.file("lif-1.pcap")) == CaptureFile(Files.demo))
  }

  @Test(arguments: [1, 2]) func `a refused run leaves it as it was`(workers: Int) throws {
    let directory = try TemporaryDirectory()
    try directory.write("of an earlier run", to: "lif-1.pcap")
    for path in [directory.path, directory.file("new")] {
      var options = try Files.demoOptions()
      options.workers = workers
      options.writeDirectory = path
      options.configuration.sessions = [options.sessions[0]]
      #expect(throws: ReplayError.self) { try ReplayRun(options) }
      #expect(directory.names() == ["lif-1.pcap"])
    }
    #expect(try directory.read("lif-1.pcap") == Data("of an earlier run".utf8))
  }
}
