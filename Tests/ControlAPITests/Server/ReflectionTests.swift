import ControlAPI
import Foundation
import GRPCCore
import OPIProtos
import SwiftProtobuf
import Testing

@Suite struct ReflectionTests {
  private typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
  private typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

  /// The answers to requests of one stream.
  private func answers(_ requests: [Request]) async throws -> [Response] {
    let folder = try TestFolder()
    let kept = AnswerList<Response>()
    try await serving(folder("s")) { _, _ async throws in
      try await connected(folder("s")) { client async throws in
        let reflection = Grpc_Reflection_V1_ServerReflection.Client(wrapping: client)
        try await reflection.serverReflectionInfo { writer in
          try await writer.write(contentsOf: requests)
        } onResponse: { response async throws in
          for try await message in response.messages { await kept.add(message) }
        }
      }
    }
    return await kept.list
  }

  private func answer(_ request: Request) async throws -> Response {
    try #require(try await answers([request]).first)
  }

  private func files(_ response: Response) throws -> [Google_Protobuf_FileDescriptorProto] {
    try response.fileDescriptorResponse.fileDescriptorProto.map { try .init(serializedBytes: $0) }
  }

  @Test func itListsWhatIsServed() async throws {
    let response = try await answer(.with { $0.listServices = "*" })
    #expect(
      response.listServicesResponse.service.map(\.name) == [
        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ])
    #expect(response.originalRequest.listServices == "*")
  }

  @Test(arguments: [
    ("opi.security.firewall.v1.SessionTable", "opi/security/firewall/v1/openoffload.proto"),
    ("opi.security.firewall.v1.SessionTable.AddSession", "opi/security/firewall/v1/openoffload.proto"),
    ("openoffload.v2.SessionRequestArgs", "openoffload/v2/openoffload.proto"),
    ("openoffload.v2.SessionRequestArgs.page_size", "openoffload/v2/openoffload.proto"),
    ("opi.security.firewall.v1._FORWARD", "opi/security/firewall/v1/openoffload.proto"),
    ("sluice.v1.ListSessionsRequest.Filter", "sluice/v1/dataplane.proto"),
    ("sluice.v1.Worker.CountersEntry", "sluice/v1/dataplane.proto"),
    (
      "grpc.reflection.v1alpha.ServerReflectionRequest.message_request",
      "grpc/reflection/v1alpha/reflection.proto"
    ),
    ("google.protobuf.Timestamp", "google/protobuf/timestamp.proto"),
  ])
  func itFindsTheFileOfAName(_ symbol: String, _ file: String) async throws {
    let files = try files(try await answer(.with { $0.fileContainingSymbol = symbol }))
    #expect(files.last?.name == file)
    // Everything that a file imports comes before it.
    for (index, file) in files.enumerated() {
      #expect(Set(file.dependency).isSubset(of: files.prefix(index).map(\.name)))
    }
  }

  @Test func itAnswersInOrderAndRefusesWhatIsNotThere() async throws {
    let responses = try await answers([
      .with { $0.fileByFilename = "sluice/v1/dataplane.proto" }, .with { $0.fileByFilename = "no.proto" },
      .with { $0.fileContainingSymbol = "no.Such" },
      .with {
        $0.fileContainingExtension = .with {
          $0.containingType = "sluice.v1.Status"
          $0.extensionNumber = 5
        }
      },
      .with { $0.allExtensionNumbersOfType = "sluice.v1.Status" },
      .with { $0.allExtensionNumbersOfType = "no.Such" }, .with { $0.host = "here" },
    ])
    try #require(responses.count == 7)
    #expect(
      try files(responses[0]).map(\.name) == ["google/protobuf/timestamp.proto", "sluice/v1/dataplane.proto"])
    #expect(responses[1].errorResponse.errorCode == 5)
    #expect(responses[1].errorResponse.errorMessage == "there is no file no.proto here")
    #expect(responses[2].errorResponse.errorMessage == "there is no definition of no.Such here")
    #expect(responses[3].errorResponse.errorMessage == "there is no extension 5 of sluice.v1.Status here")
    #expect(responses[4].allExtensionNumbersResponse.baseTypeName == "sluice.v1.Status")
    #expect(responses[4].allExtensionNumbersResponse.extensionNumber.isEmpty)
    #expect(responses[5].errorResponse.errorCode == 5)
    #expect(responses[6].errorResponse.errorCode == 3)
    #expect(responses[6].validHost == "here")
  }

  @Test func theAlphaVersionAnswersAlike() async throws {
    let folder = try TestFolder()
    try await serving(folder("s")) { _, _ async throws in
      try await connected(folder("s")) { client async throws in
        let reflection = Grpc_Reflection_V1alpha_ServerReflection.Client(wrapping: client)
        try await reflection.serverReflectionInfo { writer in
          try await writer.write(.with { $0.listServices = "" })
        } onResponse: { response async throws in
          for try await message in response.messages {
            #expect(message.listServicesResponse.service.count == 3)
          }
        }
      }
    }
  }
}

/// Answers in the order of arrival.
actor AnswerList<Answer: Sendable> {
  private(set) var list: [Answer] = []
  func add(_ answer: Answer) { list.append(answer) }
}
