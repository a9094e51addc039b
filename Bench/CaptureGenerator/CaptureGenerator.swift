import ArgumentParser

/// Writes a capture of TCP and UDP sessions from a seed: the same arguments always give the same bytes.
@main
struct CaptureGenerator: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-capture",
    abstract: "Write a classic pcap of TCP and UDP sessions in uniformly random order.",
    discussion: """
      Half of the sessions are TCP (handshake, then data both ways, never closed), half are UDP. \
      Packets are one microsecond apart. Prints one JSON object about the file.
      """)

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 7

  @Option(help: "Sessions to choose from, 1 to 16777216.")
  var sessions: UInt32 = 65536

  @Option(help: "Size of the file in bytes; the last packet is the last that fits.")
  var bytes: Int = 1_000_000_000

  @Option(help: "Bytes of each frame, 55 to 1514 (75 to 1514 with IPv6).")
  var size: Int = 64

  @Option(name: .customLong("ipv6"), help: "Percentage of sessions that are IPv6.")
  var ipv6Percent: UInt64 = 0

  @Option(help: "File to write.")
  var output: String

  func validate() throws {
    guard (1...Conversation.maximumCount).contains(sessions) else {
      throw ValidationError("--sessions must lie in 1...\(Conversation.maximumCount).")
    }
    guard ipv6Percent <= 100 else { throw ValidationError("--ipv6 must lie in 0...100.") }
    let sizes = FrameLayout.frameSizes(withIPv6: ipv6Percent > 0)
    guard sizes.contains(size) else {
      throw ValidationError("--size must lie in \(sizes.lowerBound)...\(sizes.upperBound) here.")
    }
    guard bytes >= CaptureFile.fileHeaderByteCount else {
      throw ValidationError("--bytes must be at least \(CaptureFile.fileHeaderByteCount), the file header.")
    }
  }

  func run() throws {
    var random = SplitMix64(seed: seed)
    var conversations = (0..<sessions).map {
      Conversation(index: $0, ipv6Percent: ipv6Percent, random: &random)
    }
    let layout = FrameLayout(frameByteCount: size)
    var file = try CaptureFile(creating: output)
    let packets = UInt64(
      (bytes - CaptureFile.fileHeaderByteCount) / (CaptureFile.recordHeaderByteCount + size))
    for number in 0..<packets {
      // One draw: its high half picks the session (bias at most 2^-8), its lowest bit the way.
      let draw = random.next()
      let index = Int(((draw >> 32) * UInt64(sessions)) >> 32)
      let segment = conversations[index].next(
        fromClient: draw & 1 == 0, room: layout.room(for: conversations[index]))
      try file.beginRecord(byteCount: size, microseconds: number)
      layout.write(segment, of: conversations[index], number: number, to: &file)
    }
    try file.finish()
    let started = conversations.count { $0.hasStarted }
    print(
      """
      {"packets":\(packets),"bytes":\(file.byteCount),"sessions":\(started),\
      "fnv1a":"\(String(file.checksum, radix: 16))"}
      """)
  }
}
