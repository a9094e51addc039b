import ArgumentParser
import ControlClient
import Dispatch
import Foundation
import PacketIO
import Synchronization

/// `sluice capture`.
struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Write what a running daemon's workers see to a pcapng file, until Ctrl-C.",
    discussion: """
      Each packet has its port as the interface, whether it arrived or left, and, where it was not \
      forwarded, what became of it as a comment: \"drop: sessionDrop\". Packets are copied when workers \
      decide on them; workers wait for nobody, and what comes too fast is counted as lost.

      Examples:
        sluice capture --write all.pcapng
        sluice capture --port left --filter 'tcp port 443' --count 100 --write web.pcapng
        sluice capture --drops --write - | tshark -r -
        sluice capture --reason sessionDrop --count 10 --write dropped.pcapng
        sluice capture --session 7 --write seven.pcapng
      """)

  @OptionGroup var client: ClientOptions

  @Option(name: [.short, .long], help: ArgumentHelp("The file; - is standard output.", valueName: "file"))
  var write: String

  @Option(help: ArgumentHelp("Only packets at this port, both ways.", valueName: "name"))
  var port: String?

  @Option(help: ArgumentHelp("Only packets of this session, both ways.", valueName: "id"))
  var session: UInt64?

  @Flag(help: "Only packets that are dropped.")
  var drops = false

  @Option(
    help: ArgumentHelp("Only packets dropped for this reason, as show drops spells it.", valueName: "reason"))
  var reason: String?

  @Option(help: ArgumentHelp("in: as they arrive, out: as they leave, both. (default: in; with --port both)"))
  var direction: CaptureDirection?

  @Option(help: ArgumentHelp("A filter of tcpdump, pcap-filter(7).", valueName: "expression"))
  var filter: String?

  @Option(help: ArgumentHelp("Bytes kept of each packet, 1 to 65535. (default: all)", valueName: "bytes"))
  var snap: UInt32?

  @Option(help: ArgumentHelp("End after so many packets.", valueName: "n"))
  var count: UInt64?

  @Option(help: ArgumentHelp("End after so many seconds.", valueName: "seconds"))
  var duration: Double?

  func validate() throws {
    if write.isEmpty { throw ValidationError("--write: an empty path was given: name a file, or -") }
    if let snap, !(1...65_535).contains(snap) {
      throw ValidationError("--snap \(snap): accepted: 1...65535 bytes")
    }
    if count == 0 { throw ValidationError("--count 0: accepted: 1 or more") }
    if let duration, !(0.1...31_536_000).contains(duration) {
      throw ValidationError("--duration \(duration): accepted: 0.1...31536000 seconds")
    }
    if session == 0 { throw ValidationError("--session 0: no session has this id") }
    if drops || reason != nil, direction == .out {
      throw ValidationError("--direction out: dropped packets do not leave")
    }
  }

  func run() throws {
    let wish = wish
    let file = CaptureFile(path: write, snapLength: snap ?? 0, count: count)
    let duration = duration
    var failure: CommandFailure?
    do throws(CommandFailure) {
      try ClientCall.run(client.target) { control in
        try await withThrowingTaskGroup(of: Void.self) { group in
          if let duration {
            group.addTask { try await Task.sleep(for: .seconds(duration)) }
          }
          group.addTask {
            try await control.capture(wish, onStart: { try file.start() }, { try file.add($0, lost: $1) })
          }
          try await group.next()
          group.cancelAll()
        }
      }
    } catch {
      failure = error
    }
    guard file.hasStarted else {
      if let failure { throw failure }
      return
    }
    try report(file)
    // Ctrl-C is how a capture ends.
    if let failure, failure.status != 130 { throw failure }
  }

  private var wish: CaptureWish {
    var wish = CaptureWish()
    wish.port = port ?? ""
    wish.session = session ?? 0
    wish.isDroppedOnly = drops
    wish.reason = reason ?? ""
    wish.direction =
      switch direction {
      case nil: .usual
      case .in: .arriving
      case .out: .leaving
      case .both: .both
      }
    wish.filter = filter ?? ""
    wish.snapLength = snap ?? 0
    return wish
  }

  private func report(_ file: CaptureFile) throws(CommandFailure) {
    let (packets, bytes, lost) = file.totals
    if client.json, write != "-" {
      return try StandardOutput.print("{\"packets\":\(packets),\"bytes\":\(bytes),\"lost\":\(lost)}")
    }
    standardError("sluice: \(packets) packets captured, \(bytes) bytes; \(lost) were lost")
  }
}

/// `--direction`.
enum CaptureDirection: String, ExpressibleByArgument, CaseIterable, Sendable { case `in`, out, both }

/// The file of a capture, and what has come.
private final class CaptureFile: Sendable {
  private struct State {
    var writer: PcapngWriter?
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
    var lost: UInt64 = 0
  }

  private let path: String
  private let snapLength: UInt32
  private let count: UInt64?
  private let state = Mutex(State())

  init(path: String, snapLength: UInt32, count: UInt64?) {
    self.path = path
    self.snapLength = snapLength
    self.count = count
  }

  var totals: (packets: UInt64, bytes: UInt64, lost: UInt64) {
    state.withLock { ($0.packets, $0.bytes, $0.lost) }
  }

  var hasStarted: Bool { state.withLock { $0.writer != nil } }

  func start() throws(CommandFailure) {
    do throws(CaptureError) {
      try state.withLock { (state) throws(CaptureError) in
        state.writer = try PcapngWriter(path: path, application: "sluice", snapLength: snapLength)
      }
    } catch {
      throw CommandFailure(status: 1, message: "\(error)")
    }
    if path != "-" { standardError("sluice: capturing to \(path); Ctrl-C ends it") }
  }

  /// Writes packets; whether more are wanted.
  func add(_ packets: [CapturedPacket], lost: UInt64) throws(CommandFailure) -> Bool {
    do throws(CaptureError) {
      return try state.withLock { (state) throws(CaptureError) in
        let wanted = count.map { Int(clamping: $0 - state.packets) } ?? packets.count
        for packet in packets.prefix(wanted) {
          state.writer?.write(
            packet.bytes, on: PcapngWriter.Interface(name: packet.port, link: packet.link), time: packet.time,
            originalLength: packet.originalLength, isLeaving: packet.isLeaving, comment: Self.comment(packet))
          state.packets += 1
          state.bytes += UInt64(packet.originalLength)
        }
        state.lost = lost
        try state.writer?.flush()
        return count.map { state.packets < $0 } ?? true
      }
    } catch {
      throw CommandFailure(status: 1, message: "\(error)")
    }
  }

  /// What became of a packet that was not simply forwarded.
  private static func comment(_ packet: CapturedPacket) -> String? {
    if !packet.reason.isEmpty { return "drop: \(packet.reason)" }
    return packet.verdict == "forward" ? nil : packet.verdict
  }
}
