internal import Dataplane
internal import OPIProtos
internal import SwiftProtobuf

// Messages of opi.security.firewall.v1.

extension Opi_Security_Firewall_V1_AddSessionResponse {
  init(_ summary: AddSummary) {
    self.init()
    requeststatus = .init(rawValue: Int(summary.status.rawValue)) ?? .sessionRejected
    errorstatus = summary.mask
    if let time = summary.commitTime { starttime = Google_Protobuf_Timestamp(nanoseconds: time) }
    responseerror = summary.failures.map { failure in
      .with {
        $0.sessionid = failure.id
        $0.errorstatus = failure.status.rawValue
      }
    }
  }
}

extension Opi_Security_Firewall_V1_SessionResponse {
  init(_ report: SessionReport) {
    self.init()
    let session = report.snapshot
    sessionid = session.id.rawValue
    inpackets = session.inPackets
    outpackets = session.outPackets
    inbytes = session.inBytes
    outbytes = session.outBytes
    sessionstate = .init(rawValue: Int(session.state.rawValue)) ?? .unknownState
    sessionclosecode = .init(rawValue: Int(session.closeCode.rawValue)) ?? .unknownCloseCode
    requeststatus = .accepted
    starttime = Google_Protobuf_Timestamp(nanoseconds: report.startTime)
    if let time = report.endTime { endtime = Google_Protobuf_Timestamp(nanoseconds: time) }
  }

  /// There is no session of this id. Decision A10: a status of the message, beside an OK of the call.
  init(missing id: UInt64) {
    self.init()
    sessionid = id
    requeststatus = .rejectedSessionNonexistent
  }
}

extension Opi_Security_Firewall_V1_SessionResponses {
  init(_ page: SessionPage) {
    self.init()
    sessioninfo = page.sessions.map { Opi_Security_Firewall_V1_SessionResponse($0) }
    nextkey = page.next
  }
}

extension Google_Protobuf_Timestamp {
  /// - Parameter nanoseconds: since the Unix epoch, UTC.
  init(nanoseconds: UInt64) {
    self.init(
      seconds: Int64(nanoseconds / 1_000_000_000), nanos: Int32(nanoseconds % 1_000_000_000))
  }
}
