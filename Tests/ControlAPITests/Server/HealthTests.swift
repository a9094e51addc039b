import ControlAPI
import GRPCCore
import OPIProtos
import Testing

@Suite struct HealthTests {
  @Test func everyServiceIsWellAndOthersAreUnknown() async throws {
    let folder = try TestFolder()
    try await serving(folder("s")) { _, _ async throws in
      try await connected(folder("s")) { client async throws in
        for name in ["", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"] {
          #expect(try await isServing(client, name))
        }
        let error = await #expect(throws: RPCError.self) {
          _ = try await isServing(client, "no.such.Service")
        }
        #expect(error?.code == .notFound)
        #expect(error?.message == "there is no service no.such.Service here: reflection lists all")
      }
    }
  }

  @Test func watchingAnUnknownServiceGoesOn() async throws {
    let folder = try TestFolder()
    try await serving(folder("s")) { _, _ async throws in
      try await connected(folder("s")) { client async throws in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        try await health.watch(.with { $0.service = "no.such.Service" }) { response async throws in
          var messages = response.messages.makeAsyncIterator()
          #expect(try await messages.next()?.status == .serviceUnknown)
          #expect(try await isServing(client))
        }
      }
    }
  }
}
