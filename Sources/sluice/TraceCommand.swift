import ArgumentParser
import ControlClient
import Dataplane
import Synchronization

/// `sluice trace`.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Tell the journey of the next packets through a running daemon, step by step.",
    discussion: """
      Where each was received, what it is, its session or the policy for packets without, what was \
      rewritten, copied or handed over, where it left, and its verdict. Packets are told when their \
      journeys end. Traced packets go the way of all others, one at a time; others go on at full speed.

      Examples:
        sluice trace
        sluice trace -n 10 --port left --filter 'tcp port 443'
        sluice trace -n 100 --session 7 --json
      """)

  @OptionGroup var client: ClientOptions

  @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Packets, 1 to 10000.", valueName: "n"))
  var count: UInt32 = 1

  @Option(help: ArgumentHelp("Only packets that arrive at this port.", valueName: "name"))
  var port: String?

  @Option(help: ArgumentHelp("Only packets of this session, both ways.", valueName: "id"))
  var session: UInt64?

  @Option(help: ArgumentHelp("A filter of tcpdump, pcap-filter(7).", valueName: "expression"))
  var filter: String?

  func validate() throws {
    if !(1...10_000).contains(count) { throw ValidationError("--count \(count): accepted: 1...10000") }
    if session == 0 { throw ValidationError("--session 0: no session has this id") }
    if filter?.isEmpty == true { throw ValidationError("--filter is empty: leave it out for all packets") }
    if port?.isEmpty == true { throw ValidationError("--port is empty: leave it out for all ports") }
  }

  func run() throws {
    var wish = TraceWish()
    wish.count = count
    wish.port = port ?? ""
    wish.session = session ?? 0
    wish.filter = filter ?? ""
    let told = Mutex((packets: 0, lost: UInt64(0)))
    let isJSON = client.json
    let onStart = { @Sendable in standardError("sluice: tracing; Ctrl-C ends it") }
    try ClientCall.run(client.target) { [wish] control in
      try await control.trace(wish, onStart: onStart) { packets, lost in
        let first = told.withLock { told in
          defer { told = (told.packets + packets.count, lost) }
          return told.packets + 1
        }
        for (offset, packet) in packets.enumerated() {
          try StandardOutput.print(isJSON ? JSONText.of(packet) : packet.text(number: first + offset))
        }
      }
    }
    let lost = told.withLock(\.lost)
    if lost > 0 { standardError("sluice: \(lost) steps came too fast and were lost") }
  }
}
