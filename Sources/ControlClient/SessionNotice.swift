package import Dataplane
internal import OPIProtos

/// Something that happened to a session.
package struct SessionNotice: Sendable {
  /// As the proto file names it: ADDED, CHANGED, DELETED, CLOSED.
  package var kind: String
  package var session: SessionSnapshot
  /// Notices that we were too slow for, since the one before.
  package var lost: UInt64

  package var isClosing: Bool { kind == "CLOSED" }

  /// - Throws: ``ControlError`` when the session is not understood.
  init(_ event: Sluice_V1_SessionEvent) throws(ControlError) {
    kind =
      switch event.kind {
      case .added: "ADDED"
      case .changed: "CHANGED"
      case .deleted: "DELETED"
      case .closed: "CLOSED"
      case .UNRECOGNIZED(let number): "\(number)"
      }
    session = try SessionSnapshot(event.session)
    lost = event.lost
  }
}
