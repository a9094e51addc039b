import ArgumentParser
import ControlClient
import Dataplane

/// `sluice session show`.
struct SessionShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print everything about one session.",
    discussion: "Exit status 1 when there is none of the id.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  @Argument(help: ArgumentHelp("Session id.", valueName: "id"))
  var id: SessionID

  func run() throws {
    let (id, json, repetition) = (id, client.json, again.repetition)
    try ClientCall.run(client.target) { control in
      try await repetition.run(json: json) {
        guard let session = try await control.session(id) else { return try MissingSessions.fail([id]) }
        try StandardOutput.print(json ? SessionJSON.detailed(session) : Self.text(session))
      }
    }
  }

  private static func text(_ session: SessionSnapshot) -> String {
    let tuple = session.tuple
    var lines = [
      "session \(session.id)\(session.isLearned ? ", learned from traffic" : "")",
      line("initiator", "\(tuple.source).\(tuple.sourcePort)", "arrives on LIF \(session.inLIF)"),
      line("responder", "\(tuple.destination).\(tuple.destinationPort)", "arrives on LIF \(session.outLIF)"),
      line("protocol", tuple.transport == .tcp ? "TCP" : "UDP"),
      line("action", String(session.action.protoName.dropFirst())),
      line("state", String(session.state.protoName.dropFirst())),
    ]
    if session.state == .closed {
      lines.append(line("ended by", SessionRows.ending(session.state, session.closeCode)))
    }
    lines += [
      line("in", "\(grouped(session.inPackets)) packets", "\(grouped(session.inBytes)) bytes"),
      line("out", "\(grouped(session.outPackets)) packets", "\(grouped(session.outBytes)) bytes"),
      line("started", RFC3339.text(session.start)),
    ]
    if session.inPackets + session.outPackets > 0 {
      lines.append(line("last packet", RFC3339.text(session.lastSeen)))
    }
    if session.state == .closed { lines.append(line("ended", RFC3339.text(session.end))) }
    return lines.joined(separator: "\n")
  }

  private static func line(_ name: String, _ value: String, _ remark: String = "") -> String {
    let left = "  " + name + String(repeating: " ", count: max(1, 13 - name.count)) + value
    guard !remark.isEmpty else { return left }
    return left + String(repeating: " ", count: max(2, 45 - left.count)) + remark
  }
}
