import Config
import ControlAPI
import Dataplane
import Foundation
import GRPCCore
import OPIProtos
import Testing

/// GetSession, DeleteSession, lists and closed sessions of both packages, over a socket.
@Suite struct SessionTableTests {
  @Test(arguments: TestedPackage.allCases)
  func `A10: a session that is not there is told as the package tells it`(
    _ package: TestedPackage
  ) async throws {
    try await withTable(package) { (table) async throws in
      for id in [0, 1, 1 << 62, .max] as [UInt64] {
        #expect(try await table.get(id) == nil)
        #expect(try await table.delete(id) == nil)
      }
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `A11: a deleted session is closed without a code, and gone`(_ package: TestedPackage) async throws {
    try await withTable(package) { (table) async throws in
      _ = try await table.add([Request(id: 7, host: 1)])
      let session = try #require(try await table.delete(7))
      #expect(session.sessionid == 7)
      #expect(session.sessionstate == .closed)
      #expect(session.sessionclosecode == .notClosed)
      #expect(session.requeststatus == .accepted)
      #expect(session.hasEndtime)
      #expect(try await table.get(7) == nil)
      #expect(try await table.delete(7) == nil)
      _ = try await table.add([Request(id: 7, host: 1)])
      #expect(try await table.get(7) != nil)
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `A4, A6, A7: paging shows each session once`(_ package: TestedPackage) async throws {
    try await withTable(package) {
      $0.api.limits.pageSize = 10
    } _: { (table) async throws in
      _ = try await table.add((1...95).map { Request(id: UInt64($0), host: UInt8($0)) })
      var ids: [UInt64] = []
      var key: UInt64 = 0
      repeat {
        let page = try await table.list(from: key)
        #expect(page.sessions.count <= 10)
        #expect(page.next == 0 || page.next >> 63 == 1)
        ids += page.sessions.map(\.sessionid)
        key = page.next
      } while key != 0 && ids.count < 1000
      #expect(ids.sorted() == Array(1...95))
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `a cursor that no list gave out is refused`(_ package: TestedPackage) async throws {
    try await withTable(package) { (table) async throws in
      let error = await #expect(throws: RPCError.self) { try await table.list(from: .max) }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func `A5: the filter's numbers of the first package`() async throws {
    try await withTable(.opi) { (table) async throws in
      _ = try await table.add([Request(id: 1, host: 1), Request(id: 2, host: 2)])
      #expect(try await table.list(from: 0, state: 0).sessions.count == 2)
      #expect(try await table.list(from: 0, state: 1).sessions.isEmpty)
      #expect(try await table.list(from: 0, state: 2).sessions.isEmpty)
      #expect(try await table.list(from: 0, state: 3).sessions.isEmpty)
      #expect(try await table.list(from: 0, state: 4).sessions.count == 2)
      #expect(try await table.list(from: 2, state: 0).sessions.map(\.sessionid) == [2])
      #expect(try await table.list(from: 2, state: 3).sessions.isEmpty)
      #expect(try await table.list(from: 3, state: 0).sessions.isEmpty)
      for state in [5, -1] {
        let error = await #expect(throws: RPCError.self) { try await table.list(from: 0, state: state) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("sessionstate \(state)") == true)
      }
    }
  }

  @Test func `page_size bounds a page of the second package, and other pages are refused`() async throws {
    try await withTable(.openOffload) {
      $0.api.limits.pageSize = 50
    } _: { (table) async throws in
      _ = try await table.add((1...60).map { Request(id: UInt64($0), host: UInt8($0)) })
      for (size, count) in [(0, 50), (1, 1), (49, 49), (50, 50), (1000, 50), (UInt32.max, 50)] {
        let page = try await table.openOffload.getAllSessions(.with { $0.pageSize = UInt32(size) })
        #expect(page.sessionInfo.count == count)
        #expect(page.nextKey != 0)
      }
      _ = try await table.openOffload.getAllSessions(.with { $0.page = 1 })
      let error = await #expect(throws: RPCError.self) {
        try await table.openOffload.getAllSessions(.with { $0.page = 2 })
      }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func `A16: a session ends by its timeout, and GetClosedSessions sends it once`() async throws {
    try await withTable(.openOffload) { (table) async throws in
      var request = Request(id: 9, host: 9)
      request.cachetimeout = 1
      _ = try await table.add([request])
      let first = try await closed(table, following: true, most: 1)
      #expect(first.sessions.map(\.sessionID) == [9])
      #expect(first.sessions.map(\.sessionState) == [.closed])
      #expect(first.sessions.map(\.sessionCloseCode) == [.timeout])
      let session = try #require(first.sessions.first)
      #expect(session.endTime.seconds - session.startTime.seconds == 1)
      #expect(session.endTime.nanos == session.startTime.nanos)
      #expect(Array(first.trailing[stringValues: "x-closed-lost"]) == ["0"])
      #expect(try await closed(table, following: false, most: 0).sessions.isEmpty)
      #expect(try await table.get(9) == nil)
    }
  }

  @Test func `GetClosedSessions refuses what it would ignore`() async throws {
    try await withTable(.openOffload) { (table) async throws in
      for arguments in [
        Openoffload_V2_SessionRequestArgs.with { $0.page = 2 }, .with { $0.startSession = 1 },
      ] {
        let error = await #expect(throws: RPCError.self) {
          try await table.openOffload.getClosedSessions(arguments) { response in
            for try await _ in response.messages {}
          }
        }
        #expect(error?.code == .invalidArgument)
      }
    }
  }

  private func closed(
    _ table: TableClient, following: Bool, most: UInt32
  ) async throws -> (sessions: [Openoffload_V2_SessionResponse], trailing: Metadata) {
    try await table.openOffload.getClosedSessions(
      .with { $0.pageSize = most }, metadata: following ? ["x-follow": "true"] : [:]
    ) { response in
      var sessions: [Openoffload_V2_SessionResponse] = []
      var trailing: Metadata = [:]
      for try await part in try response.accepted.get().bodyParts {
        switch part {
        case .message(let message): sessions.append(message)
        case .trailingMetadata(let metadata): trailing = metadata
        }
      }
      return (sessions, trailing)
    }
  }
}
