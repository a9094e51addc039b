package import Dataplane
package import OPIProtos
internal import SwiftProtobuf

/// What became of the sessions of one AddSession stream.
package struct AddAnswer: Sendable {
  /// A session that was not added.
  package struct Refusal: Sendable {
    /// In the requests, from 0.
    package var position: Int
    /// The name in the API's proto file.
    package var protoName: String
    /// What is wrong and what would do instead; nil where the server only named it.
    package var text: String?
  }

  /// In the order of the requests.
  package var refusals: [Refusal] = []
  /// The ids that the server chose for requests without one, in their order; 0 for those that were refused.
  package var assigned: [SessionID] = []
  /// Nanoseconds since the Unix epoch, UTC, from when on they act; nil when nothing was added.
  package var startNanoseconds: UInt64?

  /// - Parameters:
  ///   - texts: `POSITION: what was wrong`, of the first refusals.
  ///   - assigned: ids, with commas between them.
  package init(
    _ message: Opi_Security_Firewall_V1_AddSessionResponse, to requests: [SessionRequest], texts: [String],
    assigned: [String]
  ) {
    if message.hasStarttime { startNanoseconds = message.starttime.nanosecondsSinceEpoch }
    self.assigned = assigned.flatMap { $0.split(separator: ",") }.compactMap {
      UInt64($0).map { SessionID($0) }
    }
    var errors = message.responseerror[...]
    for position in requests.indices where position < UInt64.bitWidth {
      guard message.errorstatus >> UInt64(position) & 1 == 1 else { continue }
      let name = Self.protoName(errors.popFirst()?.errorstatus ?? Int32(message.requeststatus.rawValue))
      let start = "\(position): "
      let text = texts.first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
      refusals.append(Refusal(position: position, protoName: name, text: text))
    }
  }

  /// The name of a number of AddSessionStatus.
  private static func protoName(_ number: Int32) -> String {
    switch number {
    case 1: "_SESSION_REJECTED"
    case 2: "_SESSION_TABLE_FULL"
    case 3: "_SESSION_TABLE_UNAVAILABLE"
    case 4: "_SESSION_ALREADY_EXISTS"
    default: "status \(number)"
    }
  }
}
