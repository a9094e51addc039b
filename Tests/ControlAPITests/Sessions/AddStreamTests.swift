import Config
import ControlAPI
import GRPCCore
import OPIProtos
import Testing

/// AddSession streams that do not end as they should: nothing of them is added.
@Suite struct AddStreamTests {
  @Test func `a stream of more messages than the limit is refused`() async throws {
    try await withTable(.opi) {
      $0.capacity = 1000
      $0.api.limits.sessionsPerStream = 100
    } _: { (table) async throws in
      #expect(
        try await table.add((1...100).map { Request(id: UInt64($0), host: UInt8($0)) }).response.requeststatus
          == .sessionAccepted)
      let error = await #expect(throws: RPCError.self) {
        try await table.add((101...201).map { Request(id: UInt64($0), host: UInt8($0)) })
      }
      #expect(error?.code == .resourceExhausted)
      #expect(try await table.list().sessions.count == 100)
    }
  }

  @Test func `a stream that the client gives up adds nothing`() async throws {
    try await withTable(.opi) { (table) async throws in
      let call = Task {
        try await stream(table) { _ in try await Task.sleep(for: .seconds(60)) }
      }
      try await Task.sleep(for: .milliseconds(200))
      call.cancel()
      _ = await call.result
      try await Task.sleep(for: .milliseconds(100))
      #expect(try await table.list().sessions.isEmpty)
    }
  }

  @Test func `a stream that stalls is ended with a status`() async throws {
    try await withTable(.opi) {
      $0.api.limits.idleSeconds = 1
    } _: { (table) async throws in
      let error = await #expect(throws: RPCError.self) {
        try await stream(table) { _ in try await Task.sleep(for: .seconds(60)) }
      }
      #expect(error?.code == .deadlineExceeded)
      #expect(error?.message.contains("1 seconds") == true)
      #expect(try await table.list().sessions.isEmpty)
    }
  }

  @Test func `a message that is none fails the stream`() async throws {
    try await withTable(.opi) { (table) async throws in
      let error = await #expect(throws: RPCError.self) {
        try await table.addBytes([[0x08, 0x01], [0x08]])
      }
      #expect(error?.code == .invalidArgument)
      #expect(try await table.list().sessions.isEmpty)
    }
  }

  /// One good message, then what `rest` does.
  private func stream(
    _ table: TableClient, _ rest: @escaping @Sendable (RPCWriter<Request>) async throws -> Void
  ) async throws {
    try await table.opi.addSession { writer in
      try await writer.write(Request(id: 1, host: 1))
      try await rest(writer)
    } onResponse: {
      _ = try $0.message
    }
  }
}
