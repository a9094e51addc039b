import Config
import Dataplane
import Foundation
import Gateway
import Testing

@Suite("Replay: interfaces of pcapng captures")
struct ReplayInterfaceTests {
  /// A little-endian pcapng: an interface for each link type, and for each number a packet of that interface.
  private func capture(links: [Int], packets: [Int]) -> Data {
    func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    func block(_ type: Int, _ body: [UInt8]) -> [UInt8] {
      word(type) + word(12 + body.count) + body + word(12 + body.count)
    }
    let section = block(0x0A0D_0D0A, word(0x1A2B_3C4D) + [1, 0, 0, 0] + word(-1) + word(-1))
    let interfaces = links.flatMap { block(1, word($0) + word(0)) }
    let blocks = packets.enumerated().flatMap { index, interface in
      block(
        6, word(interface) + word(0) + word(index) + word(60) + word(60) + [UInt8](repeating: 0x11, count: 60)
      )
    }
    return Data(section + interfaces + blocks)
  }

  private func written(
    _ directory: borrowing TemporaryDirectory, _ change: (inout ReplayOptions) -> Void
  ) throws -> [String: Int] {
    var options = ReplayOptions(captures: [directory.file("a.pcapng")])
    options.writeDirectory = directory.file("out")
    change(&options)
    try ReplayRun(options).expectEquations()
    var counts: [String: Int] = [:]
    for name in directory.names("out") {
      counts[name] = try CaptureFile(directory.file("out/\(name)")).packets.count
    }
    return counts
  }

  @Test func `interface i is LIF i + 1, and two are each other's peer`() throws {
    let directory = try TemporaryDirectory()
    let file = URL(filePath: directory.file("a.pcapng"))
    try capture(links: [1, 1], packets: [0, 0, 1]).write(to: file)
    #expect(try written(directory) { _ in } == ["lif-2.pcap": 2, "lif-1.pcap": 1])
    try capture(links: [1, 113, 1], packets: [0, 0, 1, 2, 2, 2]).write(to: file)
    #expect(
      try written(directory) { _ in }
        == ["lif-1.pcap": 2, "lif-2-linktype-113.pcap": 1, "lif-3.pcap": 3])
    // LIFs go on after the interfaces of the capture before.
    #expect(
      try written(directory) { $0.captures.append(Files.demo) }
        == ["lif-1.pcap": 2, "lif-2-linktype-113.pcap": 1, "lif-3.pcap": 3, "lif-4.pcap": 1774])
  }

  @Test func `interfaces arrive on configured ports in turn, or all on the port that names the capture`()
    throws
  {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.pcapng")
    try capture(links: [1, 1], packets: [0, 0, 1]).write(to: URL(filePath: path))
    let ports = [Port(name: "a", lif: LIF(number: 10)), Port(name: "b", lif: LIF(number: 20))]
    #expect(
      try written(directory) { $0.configuration.ports = ports } == ["lif-10.pcap": 2, "lif-20.pcap": 1])
    let own = [ports[0], Port(name: "b", lif: LIF(number: 20), capture: path)]
    let all = try written(directory) {
      $0.captures = []
      $0.configuration.ports = own
    }
    #expect(all == ["lif-20.pcap": 3])
  }

  @Test func `an interface without port is refused, and standard input is one capture`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.pcapng")
    try capture(links: [1, 1], packets: [0]).write(to: URL(filePath: path))
    var options = ReplayOptions(captures: [path])
    options.configuration.ports = [Port(name: "a", lif: LIF(number: 10))]
    let error = #expect(throws: ReplayError.self) { try Replay(options) }
    #expect(error?.code == .usage && error?.message.contains("2 interfaces in \(path)") == true)
    let twice = #expect(throws: ReplayError.self) { try Replay(ReplayOptions(captures: ["-", "-"])) }
    #expect(twice?.code == .usage && twice?.message.contains("standard input") == true)
  }
}
