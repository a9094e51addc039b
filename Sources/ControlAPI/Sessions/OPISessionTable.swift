internal import GRPCCore
internal import GRPCProtobuf
internal import OPIProtos

/// `opi.security.firewall.v1.SessionTable`. What the calls do is in `SessionCalls`.
struct OPISessionTable: RegistrableRPCService {
  private typealias Method = Opi_Security_Firewall_V1_SessionTable.Method
  private typealias Response = Opi_Security_Firewall_V1_SessionResponse

  let calls: SessionCalls

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    let calls = calls
    router.registerHandler(
      forMethod: Method.AddSession.descriptor, deserializer: SessionRequestDeserializer(),
      serializer: ProtobufSerializer<Opi_Security_Firewall_V1_AddSessionResponse>()
    ) { request, context in
      let summary = try await calls.add(request, context)
      return StreamingServerResponse(
        single: ServerResponse(
          message: Opi_Security_Firewall_V1_AddSessionResponse(summary),
          trailingMetadata: summary.trailingMetadata))
    }
    router.registerUnary(Method.GetSession.descriptor) { (request: Opi_Security_Firewall_V1_SessionId) in
      await calls.session(request.sessionID).map { Response($0) } ?? Response(missing: request.sessionID)
    }
    router.registerUnary(Method.DeleteSession.descriptor) { (request: Opi_Security_Firewall_V1_SessionId) in
      await calls.delete(request.sessionID).map { Response($0) } ?? Response(missing: request.sessionID)
    }
    router.registerUnary(Method.GetAllSession.descriptor) {
      (request: Opi_Security_Firewall_V1_SessionRequestArgs) in
      Opi_Security_Firewall_V1_SessionResponses(
        try await calls.list(request.sessionid, state: request.sessionstate.rawValue))
    }
  }
}
