internal import GRPCCore
internal import GRPCProtobuf
internal import SwiftProtobuf

extension RPCRouter {
  /// Registers a unary method whose answer depends on its message alone.
  mutating func registerUnary<Request: Message, Response: Message>(
    _ method: MethodDescriptor, answer: @escaping @Sendable (Request) async throws -> Response
  ) {
    registerHandler(
      forMethod: method, deserializer: ProtobufDeserializer<Request>(),
      serializer: AnswerSerializer<Response>()
    ) { request, _ in
      let single = try await ServerRequest(stream: request)
      let message = Answer(try await answer(single.message))
      return StreamingServerResponse(single: ServerResponse(message: message))
    }
  }
}
