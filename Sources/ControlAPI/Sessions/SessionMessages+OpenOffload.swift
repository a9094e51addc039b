internal import Dataplane
internal import OPIProtos
internal import SwiftProtobuf

// Messages of openoffload.v2: the same fields under other names.

extension Openoffload_V2_AddSessionResponse {
  init(_ summary: AddSummary) {
    self.init()
    requestStatus = .init(rawValue: Int(summary.status.rawValue)) ?? .sessionRejected
    errorStatus = summary.mask
    if let time = summary.commitTime { startTime = Google_Protobuf_Timestamp(nanoseconds: time) }
    responseError = summary.failures.map { failure in
      .with {
        $0.sessionID = failure.id
        $0.errorStatus = failure.status.rawValue
      }
    }
  }
}

extension Openoffload_V2_SessionResponse {
  init(_ report: SessionReport) {
    self.init()
    let session = report.snapshot
    sessionID = session.id.rawValue
    inPackets = session.inPackets
    outPackets = session.outPackets
    inBytes = session.inBytes
    outBytes = session.outBytes
    sessionState = .init(rawValue: Int(session.state.rawValue)) ?? .unknownState
    sessionCloseCode = .init(rawValue: Int(session.closeCode.rawValue)) ?? .unknownCloseCode
    requestStatus = .accepted
    startTime = Google_Protobuf_Timestamp(nanoseconds: report.startTime)
    if let time = report.endTime { endTime = Google_Protobuf_Timestamp(nanoseconds: time) }
  }
}

extension Openoffload_V2_SessionResponses {
  init(_ page: SessionPage) {
    self.init()
    sessionInfo = page.sessions.map { Openoffload_V2_SessionResponse($0) }
    nextKey = page.next
  }
}
