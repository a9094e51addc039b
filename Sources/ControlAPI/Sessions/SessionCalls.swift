internal import Config
internal import Dataplane
internal import GRPCCore
internal import Gateway
internal import OPIProtos

/// The calls of SessionTable as every generation has them, on one listener. The services of the packages
/// register them and make their own messages of the answers.
struct SessionCalls: Sendable {
  let service: SessionService
  let settings: CallSettings
  /// The listener's, where a call does not say.
  let ipv4Encoding: IPv4Encoding
  let generation: Generation
  /// Shared by all listeners.
  let budget: RequestBudget
  let watch: StreamWatch

  /// Paths of the calls whose messages `MessageBatches` puts together.
  static let batchedMethods: Set<String> = [
    "/\(Opi_Security_Firewall_V1_SessionTable.Method.AddSession.descriptor.fullyQualifiedMethod)",
    "/\(Openoffload_V2_SessionTable.Method.AddSession.descriptor.fullyQualifiedMethod)",
  ]

  /// Paths of the calls whose answers `DeliveryCounter` counts.
  static let countedMethods: Set<String> = [
    "/\(Openoffload_V2_SessionTable.Method.GetClosedSessions.descriptor.fullyQualifiedMethod)"
  ]

  /// A session by id, live or retained; nil when there is neither.
  func session(_ id: UInt64) async -> SessionReport? {
    await service.session(SessionID(id)).map(report)
  }

  /// Ends a live session, or acknowledges a retained one; nil when there is neither.
  func delete(_ id: UInt64) async -> SessionReport? {
    await service.delete(SessionID(id)).map(report)
  }

  func report(_ snapshot: SessionSnapshot) -> SessionReport {
    SessionReport(
      snapshot: snapshot, startTime: service.wallTime(snapshot.start),
      endTime: snapshot.state == .closed ? service.wallTime(snapshot.end) : nil)
  }
}

/// A session's state with times as the API has them.
struct SessionReport: Sendable {
  var snapshot: SessionSnapshot
  /// Nanoseconds since the Unix epoch, UTC.
  var startTime: UInt64
  /// Nil while it is live.
  var endTime: UInt64?
}
