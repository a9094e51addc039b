import Config
import ControlAPI
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import OPIProtos
import Testing

@Suite struct LimitTests {
  let folder: TestFolder
  let path: String

  init() throws {
    folder = try TestFolder()
    path = folder("s.sock")
  }

  @Test func noMoreConnectionsThanAllowed() async throws {
    var settings = APISettings()
    settings.limits.connections = 2
    let path = path
    try await serving(path, settings) { _, log async throws in
      var clients = [try RawClient(path), try RawClient(path)]
      for client in clients { #expect(try await client.receives(within: 20_000)) }
      #expect(try await RawClient(path).isClosed(within: 20_000))
      #expect(log.lines.first?.contains("2 are open, which is the limit (api.limits.connections)") == true)
      clients.removeLast()
      // The server has yet to hear that one has gone.
      var isServed = false
      for _ in 0..<100 where !isServed {
        isServed = (try? await isServing(path)) ?? false
        if !isServed { try await Task.sleep(for: .milliseconds(50)) }
      }
      #expect(isServed)
    }
  }

  @Test func noLongerMessagesThanAllowed() async throws {
    var settings = APISettings()
    settings.limits.messageBytes = 1000
    try await serving(path, settings) { [path] _, _ async throws in
      try await connected(path) { client async throws in
        #expect(try await isServing(client, ""))
        let error = await #expect(throws: RPCError.self) {
          _ = try await isServing(client, String(repeating: "x", count: 1001))
        }
        #expect(error?.code == .resourceExhausted)
        // One byte of the field's number, two of its length.
        #expect(
          error?.message == "the message has 1004 bytes, and 1000 are allowed (api.limits.message_bytes)")
        #expect(try await isServing(client, ""))
      }
    }
  }

  @Test func lengthsOfMessagesAreFoundWhereverTheBytesAreCut() {
    let messages = [0, 1, 300, 70_000, 5]
    var bytes: [UInt8] = []
    for length in messages {
      bytes += [0] + (0..<4).reversed().map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
      bytes += [UInt8](repeating: 0xff, count: length)
    }
    for step in [1, 2, 3, 5, 7, 1000, bytes.count] {
      var lengths = MessageLengths()
      var found: [Int] = []
      for start in stride(from: 0, to: bytes.count, by: step) {
        if let length = lengths.longest(in: bytes[start..<min(start + step, bytes.count)]) {
          found.append(length)
        }
      }
      #expect(step > 5 ? found.max() == 70_000 : found == messages)
    }
  }

  /// Calls beyond the limit wait in the client, which was told of it, until others end.
  @Test func noMoreCallsOnAConnectionThanAllowed() async throws {
    var settings = APISettings()
    settings.limits.callsPerConnection = 2
    try await serving(path, settings) { [path] _, _ async throws in
      try await connected(path) { client async throws in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<2 {
            group.addTask {
              try await health.watch(.init()) { for try await _ in $0.messages { return } }
            }
          }
          for _ in 0..<20 { group.addTask { () async throws in #expect(try await isServing(client)) } }
          try await group.waitForAll()
        }
      }
    }
  }

  @Test func aConnectionThatSaysNothingIsClosed() async throws {
    var patience = PatienceLimits(idleSeconds: 60)
    patience.preface = .milliseconds(200)
    try await serving(path, patience: patience) { [path] _, _ async throws in
      let client = try RawClient(path)
      #expect(try await client.receives(within: 20_000))
      #expect(try await client.isClosed(within: 20_000))
      #expect(try await isServing(path))
    }
  }

  /// It speaks HTTP/2, but does not answer the server's pings: it has died, or does not read.
  @Test func aConnectionThatFallsSilentIsClosed() async throws {
    var patience = PatienceLimits(idleSeconds: 60)
    patience.preface = .seconds(2)
    patience.ping = .milliseconds(500)
    patience.silence = .seconds(3)
    try await serving(path, patience: patience) { [path] _, _ async throws in
      let begin = ContinuousClock.now
      let client = try RawClient(path)
      client.send(RawClient.preface)
      #expect(try await !client.isClosed(within: 1000))
      #expect(try await client.isClosed(within: 20_000))
      #expect(ContinuousClock.now - begin >= .seconds(3))
    }
  }

  @Test func aClientThatAnswersPingsStays() async throws {
    var patience = PatienceLimits(idleSeconds: 60)
    patience.ping = .milliseconds(500)
    patience.silence = .seconds(3)
    try await serving(path, patience: patience) { [path] _, _ async throws in
      try await connected(path) { client async throws in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        try await health.watch(.init()) { response async throws in
          var messages = response.messages.makeAsyncIterator()
          #expect(try await messages.next()?.status == .serving)
          try await Task.sleep(for: .seconds(5))
          #expect(try await isServing(client))
        }
      }
    }
  }

  @Test func aCallWhoseClientDoesNotGoOnEnds() async throws {
    var patience = PatienceLimits(idleSeconds: 60)
    patience.idle = .milliseconds(300)
    try await serving(path, patience: patience) { [path] _, _ async throws in
      try await connected(path) { client async throws in
        let reflection = Grpc_Reflection_V1_ServerReflection.Client(wrapping: client)
        await #expect(throws: RPCError.self) {
          try await reflection.serverReflectionInfo { writer in
            try await writer.write(.with { $0.listServices = "" })
            try await Task.sleep(for: .seconds(20))
          } onResponse: { response async throws in
            for try await _ in response.messages {}
          }
        }
        #expect(try await isServing(client))
      }
    }
  }

  /// Thousands of connections with garbage, one after the other and at once: the server goes on serving.
  @Test func garbageHarmsNobody() async throws {
    try await serving(path) { [path] _, _ async throws in
      let openBefore = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
      for round in 0..<40 {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<50 {
            group.addTask { try await aside { try Self.disturb(path, UInt64(round * 50 + index)) } }
          }
          try await group.waitForAll()
        }
      }
      // Those that wait to be accepted may be as many as the socket allows; then there is room again.
      var isServed = false
      for _ in 0..<200 where !isServed {
        isServed = (try? await isServing(path)) ?? false
        if !isServed { try await Task.sleep(for: .milliseconds(50)) }
      }
      #expect(isServed)
      // What was closed is let go.
      for _ in 0..<100 {
        if try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count < openBefore + 20 {
          return
        }
        try await Task.sleep(for: .milliseconds(50))
      }
      Issue.record("descriptors are left over")
    }
  }

  private static func disturb(_ path: String, _ number: UInt64) throws {
    let client = try RawClient(path)
    var state = number &* 0x9e37_79b9_7f4a_7c15 | 1
    let garbage = (0..<300).map { _ -> UInt8 in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state)
    }
    switch number % 4 {
    case 0: client.send(garbage)
    case 1: client.send(RawClient.preface + garbage)
    case 2: client.send(RawClient.preface + [0, 0, 20, 1, 4, 0, 0, 0, 1] + garbage.prefix(20))
    default: client.send(Array(RawClient.preface.prefix(Int(number % 30))))
    }
  }
}
