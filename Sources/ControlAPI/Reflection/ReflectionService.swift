internal import Foundation
internal import GRPCCore
internal import GRPCProtobuf
internal import OPIProtos
internal import SwiftProtobuf

/// `grpc.reflection.v1.ServerReflection`, and `v1alpha`, which differs in its name alone.
struct ReflectionService: RegistrableRPCService {
  private typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
  private typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

  /// Its own services.
  static let names = [
    Grpc_Reflection_V1_ServerReflection.descriptor.fullyQualifiedService,
    Grpc_Reflection_V1alpha_ServerReflection.descriptor.fullyQualifiedService,
  ]

  /// What list_services says.
  private let services: [String]

  init(_ services: [String]) { self.services = services }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    let methods = [
      Grpc_Reflection_V1_ServerReflection.Method.ServerReflectionInfo.descriptor,
      Grpc_Reflection_V1alpha_ServerReflection.Method.ServerReflectionInfo.descriptor,
    ]
    for method in methods {
      router.registerHandler(
        forMethod: method, deserializer: ProtobufDeserializer<Request>(),
        serializer: ProtobufSerializer<Response>()
      ) { request, context in
        StreamingServerResponse { writer in
          for try await message in request.messages {
            try await writer.write(answer(message))
          }
          return [:]
        }
      }
    }
  }

  private func answer(_ request: Request) -> Response {
    var response = Response()
    response.validHost = request.host
    response.originalRequest = request
    response.messageResponse = result(of: request)
    return response
  }

  private func result(of request: Request) -> Response.OneOf_MessageResponse {
    let index = DescriptorIndex.shared
    switch request.messageRequest {
    case .listServices:
      return .listServicesResponse(
        .with { list in list.service = services.map { name in .with { $0.name = name } } })
    case .fileByFilename(let name):
      return Self.files(index.file(named: name), "file \(name)")
    case .fileContainingSymbol(let symbol):
      return Self.files(index.file(defining: symbol), "definition of \(symbol)")
    case .fileContainingExtension(let request):
      return Self.missing("extension \(request.extensionNumber) of \(request.containingType)")
    case .allExtensionNumbersOfType(let name):
      // There are none: proto3 has extensions for options only.
      guard index.isMessage(name) else { return Self.missing("message \(name)") }
      return .allExtensionNumbersResponse(.with { $0.baseTypeName = name })
    case nil:
      return Self.error(.invalidArgument, "the request asks for nothing: set one of message_request")
    }
  }

  private static func files(_ files: [Data]?, _ what: String) -> Response.OneOf_MessageResponse {
    guard let files else { return missing(what) }
    return .fileDescriptorResponse(.with { $0.fileDescriptorProto = files })
  }

  private static func missing(_ what: String) -> Response.OneOf_MessageResponse {
    error(.notFound, "there is no \(what) here")
  }

  private static func error(_ code: Status.Code, _ message: String) -> Response.OneOf_MessageResponse {
    .errorResponse(
      .with {
        $0.errorCode = Int32(code.rawValue)
        $0.errorMessage = message
      })
  }
}
