internal import GRPCCore
internal import GRPCProtobuf
internal import OPIProtos

/// `openoffload.v2.SessionTable`. What the calls do is in `SessionCalls`.
struct OpenOffloadSessionTable: RegistrableRPCService {
  private typealias Method = Openoffload_V2_SessionTable.Method
  private typealias Response = Openoffload_V2_SessionResponse

  let calls: SessionCalls

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    let calls = calls
    router.registerHandler(
      forMethod: Method.AddSession.descriptor, deserializer: SessionRequestDeserializer(),
      serializer: ProtobufSerializer<Openoffload_V2_AddSessionResponse>()
    ) { request, context in
      let summary = try await calls.add(request, context)
      return StreamingServerResponse(
        single: ServerResponse(
          message: Openoffload_V2_AddSessionResponse(summary), trailingMetadata: summary.trailingMetadata))
    }
    router.registerUnary(Method.GetSession.descriptor) { (request: Openoffload_V2_SessionId) in
      guard let report = await calls.session(request.sessionID) else {
        throw RPCError(code: .notFound, message: "Get Session Not Found")
      }
      return Response(report)
    }
    router.registerUnary(Method.DeleteSession.descriptor) { (request: Openoffload_V2_SessionId) in
      guard let report = await calls.delete(request.sessionID) else {
        throw RPCError(code: .notFound, message: "Delete Session Not Found")
      }
      return Response(report)
    }
    router.registerUnary(Method.GetAllSessions.descriptor) { (request: Openoffload_V2_SessionRequestArgs) in
      Openoffload_V2_SessionResponses(
        try await calls.list(pageSize: request.pageSize, page: request.page, start: request.startSession))
    }
    router.registerHandler(
      forMethod: Method.GetClosedSessions.descriptor,
      deserializer: ProtobufDeserializer<Openoffload_V2_SessionRequestArgs>(),
      serializer: ProtobufSerializer<Response>()
    ) { request, _ in
      let single = try await ServerRequest(stream: request)
      return try Self.closed(calls, single.message, single.metadata)
    }
  }

  private static func closed(
    _ calls: SessionCalls, _ arguments: Openoffload_V2_SessionRequestArgs, _ metadata: Metadata
  ) throws(RPCError) -> StreamingServerResponse<Response> {
    guard arguments.page <= 1, arguments.startSession == 0 else {
      throw RPCError(
        code: .invalidArgument,
        message: "page and start_session are refused: closed sessions are sent once, in the order they closed"
      )
    }
    let most = arguments.pageSize == 0 ? nil : Int(arguments.pageSize)
    let following = try CallMetadata(metadata).isFollowing
    let delivery = Deliveries.shared.find(metadata)
    return StreamingServerResponse { writer in
      try await calls.sendClosed(most: most, following: following, delivery: delivery) { reports in
        try await writer.write(contentsOf: reports.map { Response($0) })
      }
    }
  }
}
