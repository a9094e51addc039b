import Config
import ControlAPI
import Foundation
import GRPCCore
import OPIProtos
import Testing

@Suite struct StopTests {
  let folder: TestFolder
  let path: String
  /// It is a second that a stop may take, of the process: here many tests want the same few threads at once.
  private let patience = Duration.seconds(10)

  init() throws {
    folder = try TestFolder()
    path = folder("s.sock")
  }

  @Test func withoutCallsItStopsAtOnce() async throws {
    let took = try await serving(path) { [path] _, _ async throws in #expect(try await isServing(path)) }
    #expect(took < patience)
  }

  @Test func watchersAreToldAndEnd() async throws {
    let path = path
    let server = try ControlServer(
      ControlListeners(socket: path, APISettings()), APISettings(), log: { _ in }, services: { _ in [] })
    let running = Task { try await server.run() }
    let statuses = try await connected(path) { client async throws in
      let health = Grpc_Health_V1_Health.Client(wrapping: client)
      return try await health.watch(.init()) { response async throws in
        var statuses: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
        for try await message in response.messages {
          if statuses.isEmpty { server.stop() }
          statuses.append(message.status)
        }
        return statuses
      }
    }
    #expect(statuses == [.serving, .notServing])
    try await running.value
  }

  /// A client that holds streams open and one that reads nothing at all: cut off, within the second.
  @Test func stalledClientsDoNotHoldItUp() async throws {
    let path = path
    let server = try ControlServer(
      ControlListeners(socket: path, APISettings()), APISettings(), log: { _ in }, services: { _ in [] })
    let running = Task { try await server.run() }
    let deaf = try RawClient(path)
    deaf.send(RawClient.preface)
    let took = try await connected(path) { client async throws in
      let reflection = Grpc_Reflection_V1_ServerReflection.Client(wrapping: client)
      return try? await reflection.serverReflectionInfo { writer in
        try await writer.write(.with { $0.listServices = "" })
        try await Task.sleep(for: .seconds(20))
      } onResponse: { response async throws in
        var messages = response.messages.makeAsyncIterator()
        _ = try await messages.next()
        let begin = ContinuousClock.now
        server.stop()
        try await running.value
        return ContinuousClock.now - begin
      }
    }
    #expect(try #require(took) < patience)
    #expect(try await deaf.isClosed(within: 1000))
  }

  @Test func cancellingStopsItToo() async throws {
    let server = try ControlServer(
      ControlListeners(socket: path, APISettings()), APISettings(), log: { _ in }, services: { _ in [] })
    let running = Task { try await server.run() }
    #expect(try await isServing(path))
    let begin = ContinuousClock.now
    running.cancel()
    try await running.value
    #expect(ContinuousClock.now - begin < patience)
  }

  @Test func stoppingBeforeItRunsEndsItAtOnce() async throws {
    let server = try ControlServer(
      ControlListeners(socket: path, APISettings()), APISettings(), log: { _ in }, services: { _ in [] })
    server.stop()
    server.stop()
    let begin = ContinuousClock.now
    try await server.run()
    #expect(ContinuousClock.now - begin < patience)
  }
}
