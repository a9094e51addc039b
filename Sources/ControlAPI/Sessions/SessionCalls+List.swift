internal import Config
internal import Dataplane
internal import GRPCCore
internal import Gateway

/// A page of sessions, as GetAllSession and GetAllSessions answer.
struct SessionPage: Sendable {
  var sessions: [SessionReport]
  /// What asks for the next page; 0 when there is none.
  var next: UInt64
}

extension SessionCalls {
  /// GetAllSession of `opi.security.firewall.v1`. Decisions A4 to A7.
  ///
  /// - Parameters:
  ///   - key: 0 for the first page of all, a cursor for another one, an id for that session alone.
  ///   - state: the filter's number.
  func list(_ key: UInt64, state: Int) async throws(RPCError) -> SessionPage {
    let filter = try StateFilter(number: state)
    guard key == 0 || key >= SessionID.cursorBit else {
      let found = await service.sessions(SessionID(key)).filter { filter.includes($0.state) }
      return SessionPage(sessions: found.map(report), next: 0)
    }
    return try await page(filter, from: key, limit: settings.now.limits.pageSize, field: "sessionid")
  }

  /// GetAllSessions of `openoffload.v2`: live sessions.
  ///
  /// - Parameters:
  ///   - pageSize: the most of the page; 0 for the server's own size, which is also the most there is.
  ///   - page: 0 or 1; others are asked for by `start`.
  ///   - start: 0 for the first page, else a cursor.
  func list(pageSize: UInt32, page number: UInt32, start: UInt64) async throws(RPCError) -> SessionPage {
    guard number <= 1 else {
      throw RPCError(
        code: .invalidArgument,
        message: "page \(number) is refused; pages after the first are asked for by start_session = next_key")
    }
    let largest = settings.now.limits.pageSize
    let limit = pageSize == 0 ? largest : min(Int(pageSize), largest)
    return try await page(.live, from: start, limit: limit, field: "start_session")
  }

  /// A full page, or the last one.
  private func page(
    _ filter: StateFilter, from key: UInt64, limit: Int, field: String
  ) async throws(RPCError) -> SessionPage {
    let held = try CallMemory.shared.beginList(of: limit)
    defer { CallMemory.shared.endList(held) }
    var sessions: [SessionReport] = []
    var cursor = key == 0 ? nil : key
    do throws(SessionService.UnknownCursor) {
      repeat {
        let page = try await service.list(filter.list, from: cursor, limit: limit - sessions.count)
        for session in page.sessions where filter.includes(session.state) { sessions.append(report(session)) }
        cursor = page.next
      } while cursor != nil && sessions.count < limit
    } catch {
      throw RPCError(
        code: .invalidArgument, message: "\(field) \(key) is no cursor of this server; 0 begins a new list")
    }
    return SessionPage(sessions: sessions, next: cursor ?? 0)
  }
}
