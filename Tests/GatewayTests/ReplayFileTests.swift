import Config
import Dataplane
import Foundation
import Gateway
import Testing

@Suite("Replay: what the files that it writes are called and can hold")
struct ReplayFileTests {
  /// The text of a configuration whose one session copies the traffic of ``packet(size:)``.
  private static func configuration(_ action: String, encapsulation: String, outLIF: String = "0") -> String {
    """
    ports:
      - { name: inside, lif: 1, miss: forward }
      - { name: outside, lif: 2, miss: forward }
    copies: { encapsulation: \(encapsulation) }
    neighbors:
      - { address: 192.0.2.9, mac: 02:00:00:00:00:09, lif: 2 }
    sessions:
      - sourceip: 10.0.0.1
        sourceport: 1
        destinationip: 10.0.0.2
        destinationport: 2
        inlif: 1
        outlif: \(outLIF)
        protocolid: UDP
        action: \(action)
    """
  }

  /// An Ethernet frame of `size` bytes: IPv4, UDP from 10.0.0.1:1 to 10.0.0.2:2. Without checksums.
  private func frame(size: Int) -> [UInt8] {
    func half(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    let ip = [0x45, 0] + half(size - 14) + [0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
    let udp = half(1) + half(2) + half(size - 34) + half(0)
    let ethernet: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]
    let header = ethernet + ip + udp
    return header + (header.count..<size).map { UInt8(truncatingIfNeeded: $0) }
  }

  /// Replays one frame; what was written lies in `directory/out`.
  private func replay(
    _ frame: [UInt8], _ configuration: String, _ directory: borrowing TemporaryDirectory,
    snapLength: UInt32 = 262_144
  ) throws -> ReplayRun {
    var capture = CaptureFile()
    capture.packets = [.init(seconds: 1_700_000_000, fraction: 0, original: frame.count, bytes: frame)]
    try capture.write(to: directory.file("in.pcap"))
    var bytes = try directory.read("in.pcap")
    withUnsafeBytes(of: snapLength.littleEndian) { bytes.replaceSubrange(16..<20, with: $0) }
    try bytes.write(to: URL(filePath: directory.file("in.pcap")))
    var options = ReplayOptions(captures: [directory.file("in.pcap")])
    options.configuration = try Configuration.parse(configuration, file: directory.file("test.yaml"))
    options.writeDirectory = directory.file("out")
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.summary.error == nil)
    return run
  }

  private func snapLength(_ file: Data) -> [UInt8] { [UInt8](file[16..<20]) }

  @Test func `a copy may be longer than the packets of the capture`() throws {
    let directory = try TemporaryDirectory()
    let mirror = Self.configuration(
      "{ actiontype: MIRROR, actionnexthop: 192.0.2.9 }", encapsulation: "gre, source: 192.0.2.1")
    let run = try replay(frame(size: 96), mirror, directory, snapLength: 96)
    #expect(run.summary[.copiesMade] == 1 && run.summary[.copiesFailed] == 0)
    #expect(try snapLength(directory.read("out/mirror.pcap")) == [0, 0, 4, 0])
    #expect(try snapLength(directory.read("out/lif-2.pcap")) == [96, 0, 0, 0])
    #expect(try CaptureFile(directory.file("out/mirror.pcap")).packets.map(\.bytes.count) == [96 + 14 + 24])
  }

  @Test(arguments: ["MIRROR", "SNOOP"], ["ethernet", "gre, source: 192.0.2.1"])
  func `a packet of 40 000 bytes, as GSO makes them, is copied whole`(
    action: String, encapsulation: String
  ) throws {
    let directory = try TemporaryDirectory()
    let run = try replay(
      frame(size: 40_000),
      Self.configuration(
        "{ actiontype: \(action), actionnexthop: 192.0.2.9 }", encapsulation: encapsulation), directory)
    #expect(run.summary[.copiesMade] == 1 && run.summary[.copiesFailed] == 0)
    let copy = try #require(
      try CaptureFile(directory.file("out/\(action.lowercased()).pcap")).packets.first)
    let header = encapsulation == "ethernet" ? 0 : 14 + 24
    #expect(copy.bytes.count == 40_000 + header && copy.original == copy.bytes.count)
    let isSame = copy.bytes.suffix(39_986) == frame(size: 40_000).suffix(39_986)
    #expect(isSame)
  }

  @Test func `a packet of 40 000 bytes is tagged`() throws {
    let directory = try TemporaryDirectory()
    // VLAN 100 on LIF 2.
    let lif = LIF(number: 2, vlan: 100)
    let run = try replay(
      frame(size: 40_000),
      Self.configuration("FORWARD", encapsulation: "ethernet", outLIF: "\(lif.rawValue)"), directory)
    #expect(run.summary[.forwarded] == 1 && run.summary.drops.isEmpty)
    let packet = try #require(try CaptureFile(directory.file("out/lif-2.pcap")).packets.first)
    #expect(packet.bytes.count == 40_004 && Array(packet.bytes[12..<16]) == [0x81, 0, 0, 100])
  }

  @Test(arguments: [1, 2, 3])
  func `the first capture's link type has the plain names, with any number of workers`(workers: Int) throws {
    let raw = Files.capture("raw-ip")
    let cooked = Files.capture("cooked-v2")
    let expected: [([String], [String])] = [
      ([raw, cooked, Files.demo], ["drop-linktype-1.pcap", "drop-linktype-276.pcap", "drop.pcap"]),
      ([Files.demo, cooked, raw], ["drop-linktype-101.pcap", "drop-linktype-276.pcap", "drop.pcap"]),
      // Of the same link type as the first one: the plain name too.
      ([Files.demo, cooked, Files.demo], ["drop-linktype-276.pcap", "drop.pcap"]),
    ]
    for (captures, names) in expected {
      let directory = try TemporaryDirectory()
      var options = ReplayOptions(captures: captures)
      options.learn = .drop
      options.workers = workers
      options.writeDirectory = directory.path
      let run = try ReplayRun(options)
      #expect(run.summary.error == nil)
      #expect(directory.names().filter { $0.hasPrefix("drop") } == names)
      #expect(directory.names().filter { $0.hasPrefix(".") } == [])
      let (plain, first) = (try CaptureFile(directory.file("drop.pcap")), try CaptureFile(captures[0]))
      #expect(plain.link == first.link)
    }
  }
}
