import ArgumentParser
import Config
import Dataplane
import Foundation
import Gateway
import PacketIO

/// `sluice replay`: captures through the packet path.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract:
      "Run capture files through the packet path and report what happened to every packet and session.",
    discussion: """
      The packets go through the same worker as those of live ports, on the capture's own time. Without a \
      configuration each CAPTURE, and each interface of a pcapng, arrives on a LIF of its own (1, 2, …); \
      with exactly two, each is the other's peer, otherwise packets leave by the LIF they came by. \
      Packets without session are forwarded unless --learn or the configuration says otherwise.

      Examples:
        sluice replay trace.pcap --learn forward
        sluice replay trace.pcap --sessions sessions.yaml --write out --sessions-out ended.jsonl
        sluice replay inside.pcap outside.pcap --config two-ports.yaml --json
        sluice replay trace.pcap --split client-server --filter "tcp port 443" --write out
        sluice replay trace.pcap --learn forward --loop 100 --rate 100k
        dumpcap -i eth0 -w - | sluice replay - --learn forward

      With --port no session and no worker has a part in it: the packets are sent by a network interface as \
      they are, at the capture's own speed unless --rate says otherwise. It needs root or CAP_NET_RAW.
        sluice replay trace.pcap --port eth1
        sluice replay trace.pcap --port eth1 --multiplier 2.5 --loop 10
        sluice replay a.pcap b.pcap --port eth1 --rate 100k --filter "udp"
      """)

  @Argument(
    help: ArgumentHelp(
      "Captures (pcap or pcapng, also gzipped; a file, a pipe, or - for standard input), merged by time.",
      valueName: "capture"), completion: .file())
  var captures: [String] = []

  @Option(
    help: ArgumentHelp("Configuration: ports, timeouts, neighbours, sessions (YAML).", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Sessions to add before the first packet (YAML).", valueName: "file"))
  var sessions: String?

  @Option(help: "Open a session for every TCP or UDP packet without one; its action: forward or drop.")
  var learn: LearnAction?

  @Option(
    help: "Worker threads, 1...64. The answer is the same with any number, but for a table that is full.")
  var workers: Int?

  @Option(
    help: ArgumentHelp(
      "Let in only packets for which this tcpdump expression is true (pcap-filter(7)). The others are not "
        + "received; they are counted in the note filteredOut.", valueName: "expression"))
  var filter: String?

  @Option(
    help: ArgumentHelp(
      "Deal one capture's packets to LIF 1 and LIF 2, each the other's peer: client-server (who opens a "
        + "conversation is on LIF 1), mac (what the first packet's source sends is on LIF 1), mac=MAC[,MAC] "
        + "or PREFIX[,PREFIX] (what these send is on LIF 1).", valueName: "split"),
    transform: TrafficSplit.init(parsing:))
  var split: TrafficSplit?

  @Option(
    help: ArgumentHelp(
      "How fast: max, capture (as far apart as they were captured), or packets a second such as 10k or 1.5M. "
        + "Packet time does not change. (default: max; with --port capture)", valueName: "rate"),
    transform: ReplayRate.init(parsing:))
  var rate: ReplayRate?

  @Option(
    help: ArgumentHelp(
      "Divide the pauses of --rate capture by this: 2 is twice as fast, 0.5 half as fast.",
      valueName: "factor"),
    transform: SpeedMultiplier.init(parsing:))
  var multiplier: SpeedMultiplier?

  @Option(
    help: ArgumentHelp(
      "Replay the captures so many times, or forever until Ctrl-C. Each round's times begin one mean packet "
        + "gap after the last round's end, and sessions go on.", valueName: "rounds"),
    transform: LoopCount.init(parsing:))
  var loop: LoopCount?

  @Option(
    help: ArgumentHelp(
      "Send the packets as they are by this network interface, instead of through the packet path. Goes "
        + "with --filter, --rate, --multiplier, --loop and --json.", valueName: "interface"))
  var port: String?

  @Option(
    help: ArgumentHelp(
      "Write what leaves: lif-N.pcap, mirror.pcap, snoop.pcap, punt.pcap, drop.pcap. Files of these names "
        + "from an earlier run are replaced. Packets of other link types than the first capture's go to "
        + "lif-N-linktype-L.pcap.", valueName: "directory"))
  var write: String?

  @Option(
    help: ArgumentHelp(
      "Write each session as it ends, then the live ones: a JSON object a line.", valueName: "file"))
  var sessionsOut: String?

  @Option(
    help: ArgumentHelp(
      "Tell the journeys of the first packets, as sluice trace does, 1 to 10000; with --json an object a "
        + "line, before the summary.", valueName: "packets"))
  var trace: Int?

  @Flag(help: "Print a table of all sessions before the summary.")
  var showSessions = false

  @Flag(help: "Print the summary as one JSON object.")
  var json = false

  func validate() throws {
    for path in captures + [config, sessions, write, sessionsOut].compactMap({ $0 }) where path.isEmpty {
      throw ValidationError("an empty path was given: name a file or directory")
    }
    if multiplier != nil, effectiveRate != .capture {
      throw ValidationError("--multiplier: it divides the pauses of --rate capture: give that rate")
    }
    if let trace, !(1...JourneyTrace.mostPackets).contains(trace) {
      throw ValidationError("--trace \(trace): accepted: 1...\(JourneyTrace.mostPackets)")
    }
    if let port { try checkPort(port) }
    guard let write, let sessionsOut else { return }
    let file = URL(fileURLWithPath: sessionsOut).standardizedFileURL
    let directory = URL(fileURLWithPath: write).standardizedFileURL
    if file.deletingLastPathComponent().path == directory.path, Replay.isWrittenName(file.lastPathComponent) {
      throw ValidationError("--sessions-out \(sessionsOut): a capture of --write has this name")
    }
  }

  /// The rate that is asked for, or goes without saying.
  private var effectiveRate: ReplayRate { rate ?? (port == nil ? .max : .capture) }

  /// What both kinds of replay are asked to do.
  private var shaped: ReplayOptions {
    var options = ReplayOptions(captures: captures)
    options.filter = filter
    options.rate = effectiveRate
    options.multiplier = multiplier?.factor ?? 1
    options.rounds = loop.map(\.rounds) ?? 1
    return options
  }

  func run() throws {
    if let port { return try PortCommand(interface: port, json: json).run(shaped) }
    var options = shaped
    if let config { options.configuration = try ConfigFiles.configuration(config) }
    if let sessions { options.sessions = try ConfigFiles.sessions(sessions, with: options.configuration) }
    options.learn = learn?.action
    options.workers = workers
    options.split = split
    options.writeDirectory = write
    options.protectedFiles = [config, sessions].compactMap { $0 }
    options.reportsSessions = sessionsOut != nil || showSessions
    options.traced = trace ?? 0
    let rows = showSessions ? SessionRows() : nil
    let summary = try perform(options, rows)
    if let rows, !json { try StandardOutput.print(rows.text + "\n") }
    try StandardOutput.print(json ? JSONText.of(ReplayJSON(summary)) : ReplayReport(summary).text)
    if let error = summary.error { throw CommandFailure(status: 1, message: error.description) }
    if Interrupt.wasRequested {
      throw CommandFailure(status: 130, message: "interrupted: the summary is of what was read")
    }
  }

  /// Options that are about workers and sessions mean nothing where there are none.
  private func checkPort(_ port: String) throws {
    if port.isEmpty { throw ValidationError("--port: an empty name was given: name a network interface") }
    let others: [(name: String, isGiven: Bool)] = [
      ("--config", config != nil), ("--sessions", sessions != nil), ("--learn", learn != nil),
      ("--workers", workers != nil), ("--split", split != nil), ("--write", write != nil),
      ("--sessions-out", sessionsOut != nil), ("--show-sessions", showSessions), ("--trace", trace != nil),
    ]
    for other in others where other.isGiven {
      throw ValidationError(
        "\(other.name) and --port: --port sends packets as they are, past workers and sessions: use one of "
          + "them")
    }
    if captures.isEmpty { throw ValidationError("--port \(port): name the captures to send") }
  }

  private func perform(_ options: ReplayOptions, _ rows: SessionRows?) throws -> ReplaySummary {
    do throws(ReplayError) {
      let replay = try Replay(options)
      for link in replay.unknownLinks {
        standardError(
          "sluice: \(link.file): link type \(link.number) is not known: its packets count as other")
      }
      let lines = try SessionLines(
        sessionsOut, inputs: replay.captureFiles + [config, sessions].compactMap { $0 })
      HugePageNotice.announce()
      let journeys = JourneyLines(isJSON: json)
      let meter = ProgressMeter(replay.progress)
      Interrupt.stops(replay.progress)
      let summary = try replay.run(
        onStart: lines.open,
        onSession: { session in
          lines.write(session)
          rows?.add(session)
        }, onJourney: journeys.write, onTick: meter.show)
      meter.clear()
      try lines.close()
      try journeys.close()
      return summary
    } catch {
      throw CommandFailure(status: error.code == .usage ? 2 : 1, message: error.message)
    }
  }
}

/// The actions that a learned session can have: the others need a next hop.
enum LearnAction: String, ExpressibleByArgument, CaseIterable {
  case forward, drop

  var action: Action { self == .forward ? .forward : .drop }
}
