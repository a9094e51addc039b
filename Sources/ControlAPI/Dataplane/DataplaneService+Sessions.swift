internal import Dataplane
internal import GRPCCore
internal import Gateway
internal import OPIProtos
internal import SwiftProtobuf

extension DataplaneService {
  /// A page of sessions with their addresses.
  func sessions(_ request: Sluice_V1_ListSessionsRequest) async throws(RPCError)
    -> Sluice_V1_ListSessionsResponse
  {
    guard let number = UInt8(exactly: request.filter.rawValue),
      let filter = SessionService.Filter(rawValue: number)
    else {
      throw RPCError(
        code: .invalidArgument,
        message: "filter \(request.filter.rawValue) is not known; accepted: 0 (LIVE) to 4 (ALL)")
    }
    try CallMemory.shared.checkUnread()
    if request.sessionID != 0 { return await session(SessionID(request.sessionID)) }
    let size = request.pageSize == 0 ? Self.defaultPage : min(Int(request.pageSize), Self.largestPage)
    do throws(SessionService.UnknownCursor) {
      let cursor = request.page == 0 ? nil : request.page
      let page = try await daemon.sessions.list(filter, from: cursor, limit: size)
      var response = Sluice_V1_ListSessionsResponse()
      response.sessions = page.sessions.map { Sluice_V1_Session($0, daemon.sessions) }
      response.nextPage = page.next ?? 0
      return response
    } catch {
      throw RPCError(
        code: .invalidArgument, message: "page \(request.page) is no page of this server; 0 begins a new list"
      )
    }
  }

  /// The session of an id, live or retained, alone.
  private func session(_ id: SessionID) async -> Sluice_V1_ListSessionsResponse {
    let found = await daemon.sessions.session(id)
    return .with { response in
      response.sessions = found.map { [Sluice_V1_Session($0, daemon.sessions)] } ?? []
    }
  }

  /// What happens to sessions from the time on when the caller gets the call's initial metadata.
  ///
  /// - Throws: RESOURCE_EXHAUSTED when too many watch already: each event is copied for each of them.
  func watch() throws(RPCError) -> StreamingServerResponse<Sluice_V1_SessionEvent> {
    let service = daemon.sessions
    guard let notices = service.notices() else {
      throw RPCError(
        code: .resourceExhausted,
        message: "\(SessionService.mostWatchers) watch already, which is the limit")
    }
    return StreamingServerResponse { writer in
      try await withCallCancellation {
        for await notice in notices { try await writer.write(Sluice_V1_SessionEvent(notice, service)) }
      }
      return [:]
    }
  }

  /// As documented in dataplane.proto.
  private static let defaultPage = 1024
  private static let largestPage = 4096
}
