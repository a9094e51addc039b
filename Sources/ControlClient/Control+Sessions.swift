package import Dataplane
internal import GRPCCore
internal import OPIProtos
internal import SwiftProtobuf

extension Control {
  /// Which sessions a list has; the numbers are those of `ListSessionsRequest.Filter`.
  package enum Filter: Int, Sendable { case live = 0, established = 1, closing = 2, closed = 3, all = 4 }

  /// Adds up to ``batchSize`` sessions as one request, which is atomic where there is not room for all.
  ///
  /// - Parameter replacing: whether the same id and tuple is changed in place.
  package func add(_ requests: [SessionRequest], replacing: Bool) async throws -> AddAnswer {
    var metadata: Metadata = ["x-ipv4-encoding": "inet_pton"]
    if replacing { metadata.addString("true", forKey: "x-upsert") }
    return try await call {
      try await table.addSession(metadata: metadata, options: Self.options) { writer in
        for request in requests { try await writer.write(.init(request)) }
      } onResponse: { response in
        let texts = Array(response.trailingMetadata[stringValues: "x-session-error"])
        let ids = Array(response.trailingMetadata[stringValues: "x-assigned-session-ids"])
        return AddAnswer(try response.message, to: requests, texts: texts, assigned: ids)
      }
    }
  }

  /// As many sessions as the bit mask of an answer tells apart. Decision A8.
  package static let batchSize = 64

  /// A session by id: the live one, else the newest closed one that is retained; nil when there is neither.
  package func session(_ id: SessionID) async throws -> SessionSnapshot? {
    var request = Sluice_V1_ListSessionsRequest()
    request.sessionID = id.rawValue
    let message = request
    let answer = try await call { try await dataplane.listSessions(message, options: Self.options) }
    return try answer.sessions.first.map(SessionSnapshot.init)
  }

  /// Ends a live session, or acknowledges the newest closed one of the id.
  ///
  /// - Returns: its last state; nil when there is none of the id.
  package func delete(_ id: SessionID) async throws -> SessionAnswer? {
    var request = Opi_Security_Firewall_V1_SessionId()
    request.sessionID = id.rawValue
    let message = request
    let answer = try await call { try await table.deleteSession(message, options: Self.options) }
    switch answer.requeststatus {
    case .accepted: return SessionAnswer(answer)
    case .rejectedSessionNonexistent: return nil
    case let status: throw ControlError(message: "session \(id): the server refused: \(status)")
    }
  }

  /// Hands the sessions of a list to `body`, page by page.
  ///
  /// - Parameter limit: the most that are wanted; nil for all.
  package func sessions(
    _ filter: Filter, limit: Int?, _ body: ([SessionSnapshot]) async throws -> Void
  ) async throws {
    var left = limit ?? .max
    var page: UInt64 = 0
    while left > 0 {
      try Task.checkCancellation()
      var request = Sluice_V1_ListSessionsRequest()
      request.filter = .init(rawValue: filter.rawValue) ?? .live
      request.pageSize = UInt32(min(left, Self.pageSize))
      request.page = page
      let message = request
      let answer = try await call { try await dataplane.listSessions(message, options: Self.options) }
      try await body(try answer.sessions.prefix(left).map(SessionSnapshot.init))
      left -= min(left, answer.sessions.count)
      page = answer.nextPage
      if page == 0 { return }
    }
  }

  /// The most that a server puts into one page.
  private static let pageSize = 4096
}
