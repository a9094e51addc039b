import ControlClient
import Dataplane
import Foundation
import Synchronization

/// What became of the sessions of `session add`, batch by batch.
final class AddReport: Sendable {
  private struct Progress {
    var done = 0
    var refused: [Refused] = []
    var assigned: [SessionID] = []
    var startNanoseconds: UInt64?
  }

  private struct Refused {
    var position: Int
    var protoName: String
    var text: String?
  }

  private let requests: [SessionRequest]
  private let progress = Mutex(Progress())

  init(_ requests: [SessionRequest]) { self.requests = requests }

  /// Requests that were answered, and those of them that were refused.
  var done: Int { progress.withLock { $0.done } }
  var refusedCount: Int { progress.withLock { $0.refused.count } }

  /// The next requests, up to `size`; nil after the last.
  func next(_ size: Int) -> ArraySlice<SessionRequest>? {
    let rest = requests.dropFirst(done)
    return rest.isEmpty ? nil : rest.prefix(size)
  }

  /// Takes the answer to a batch.
  func note(_ answer: AddAnswer, of batch: ArraySlice<SessionRequest>) {
    progress.withLock { progress in
      progress.refused += answer.refusals.map { refusal in
        Refused(
          position: batch.startIndex + refusal.position, protoName: refusal.protoName, text: refusal.text)
      }
      progress.assigned += answer.assigned.filter { $0 != .unassigned }
      progress.startNanoseconds = progress.startNanoseconds ?? answer.startNanoseconds
      progress.done = batch.endIndex
    }
  }

  // MARK: For people

  var text: String {
    progress.withLock { progress in
      let added = progress.done - progress.refused.count
      var lines = [added == 1 ? "1 session added" : "\(grouped(UInt64(added))) sessions added"]
      if !progress.assigned.isEmpty {
        let shown = progress.assigned.prefix(Self.shownIDs).map { "\($0)" }
        lines[0] += ", with the ids \(shown.joined(separator: ", "))"
        if progress.assigned.count > Self.shownIDs { lines[0] += ", ..." }
      }
      if !progress.refused.isEmpty { lines += ["", refusals(progress.refused)] }
      let more = progress.refused.count - Self.shownRefusals
      if more > 0 { lines.append("and \(grouped(UInt64(more))) more; --json lists all") }
      return lines.joined(separator: "\n")
    }
  }

  private func refusals(_ refused: [Refused]) -> String {
    var columns = Columns(["refused", "protocol", "initiator", "responder", "because"], rightAligned: 0..<0)
    return columns.table(
      refused.prefix(Self.shownRefusals).map { refusal in
        let request = requests[refusal.position]
        let tuple = request.tuple
        let reason = String(refusal.protoName.drop { $0 == "_" })
        return [
          request.id == .unassigned ? "entry \(refusal.position)" : "\(request.id)",
          tuple.transport == .tcp ? "TCP" : "UDP", "\(tuple.source).\(tuple.sourcePort)",
          "\(tuple.destination).\(tuple.destinationPort)",
          refusal.text.map { "\(reason): \($0)" } ?? reason,
        ]
      })
  }

  /// More scroll off a terminal.
  private static let shownRefusals = 20
  private static let shownIDs = 5

  // MARK: For programs

  private struct JSON: Encodable {
    struct Refused: Encodable {
      var index: Int
      var sessionId: UInt64
      var status: String
      var message: String?
    }

    var added: Int
    var refused: [Refused]
    var assignedSessionIds: [UInt64]
    var startTime: String?
  }

  /// One object. Its names are an interface: they are added to, never changed.
  var json: String {
    let object = progress.withLock { progress in
      JSON(
        added: progress.done - progress.refused.count,
        refused: progress.refused.map { refusal in
          JSON.Refused(
            index: refusal.position, sessionId: requests[refusal.position].id.rawValue,
            status: refusal.protoName, message: refusal.text)
        },
        assignedSessionIds: progress.assigned.map(\.rawValue),
        startTime: progress.startNanoseconds.map { RFC3339.text(PacketTime(nanoseconds: $0)) })
    }
    return JSONText.of(object)
  }
}
