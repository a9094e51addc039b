internal import GRPCCore
internal import OPIProtos
internal import SwiftProtobuf

/// `grpc.health.v1.Health`.
struct HealthService: Grpc_Health_V1_Health.ServiceProtocol {
  private typealias Status = Grpc_Health_V1_HealthCheckResponse.ServingStatus

  private let status: HealthStatus

  init(_ status: HealthStatus) { self.status = status }

  func check(
    request: ServerRequest<Grpc_Health_V1_HealthCheckRequest>, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Health_V1_HealthCheckResponse> {
    let name = request.message.service
    guard let isServing = status.isServing(name) else {
      throw RPCError(code: .notFound, message: "there is no service \(name) here: reflection lists all")
    }
    return ServerResponse(message: .with { $0.status = Self.status(isServing) })
  }

  /// A service that is not there is watched too, as the protocol wants: it might come.
  func watch(
    request: ServerRequest<Grpc_Health_V1_HealthCheckRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Grpc_Health_V1_HealthCheckResponse> {
    let status = status
    let isKnown = status.isServing(request.message.service) != nil
    return StreamingServerResponse { writer in
      let watch = status.watch()
      return try await withRPCCancellationHandler {
        if !isKnown { try await writer.write(.with { $0.status = .serviceUnknown }) }
        for await isServing in watch.changes where isKnown {
          try await writer.write(.with { $0.status = Self.status(isServing) })
        }
        return [:]
      } onCancelRPC: {
        watch.end()
      }
    }
  }

  private static func status(_ isServing: Bool) -> Status { isServing ? .serving : .notServing }
}
