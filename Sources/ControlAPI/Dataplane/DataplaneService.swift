internal import Config
internal import Dataplane
internal import GRPCCore
internal import GRPCProtobuf
internal import Gateway
internal import OPIProtos
internal import SwiftProtobuf

/// `sluice.v1.Dataplane`: the state of the dataplane, for `sluice show` and `sluice session list|watch`.
struct DataplaneService: RegistrableRPCService {
  private typealias Method = Sluice_V1_Dataplane.Method

  let daemon: Daemon
  /// As `sluice --version` prints them.
  let version: String
  let commit: String
  let reload: ControlServices.Reload

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    let service = self
    router.registerUnary(Method.GetStatus.descriptor) { (_: Sluice_V1_GetStatusRequest) in service.status }
    router.registerUnary(Method.ListWorkers.descriptor) { (_: Sluice_V1_ListWorkersRequest) in
      service.workers
    }
    router.registerUnary(Method.ListPorts.descriptor) { (_: Sluice_V1_ListPortsRequest) in service.ports }
    router.registerUnary(Method.ListDrops.descriptor) { (_: Sluice_V1_ListDropsRequest) in service.drops }
    router.registerUnary(Method.ListNeighbors.descriptor) { (request: Sluice_V1_ListNeighborsRequest) in
      try await service.neighbors(request)
    }
    router.registerUnary(Method.GetMemory.descriptor) { (_: Sluice_V1_GetMemoryRequest) in service.memory }
    router.registerUnary(Method.ListSessions.descriptor) { (request: Sluice_V1_ListSessionsRequest) in
      try await service.sessions(request)
    }
    router.registerUnary(Method.Reload.descriptor) { (_: Sluice_V1_ReloadRequest) in
      await service.reloaded()
    }
    router.registerHandler(
      forMethod: Method.WatchSessions.descriptor,
      deserializer: ProtobufDeserializer<Sluice_V1_WatchSessionsRequest>(),
      serializer: ProtobufSerializer<Sluice_V1_SessionEvent>()
    ) { request, _ in
      _ = try await ServerRequest(stream: request)
      return try service.watch()
    }
    router.registerHandler(
      forMethod: Method.CapturePackets.descriptor,
      deserializer: ProtobufDeserializer<Sluice_V1_CapturePacketsRequest>(),
      serializer: ProtobufSerializer<Sluice_V1_CapturedPackets>()
    ) { request, _ in
      try await service.capture(try await ServerRequest(stream: request).message)
    }
    router.registerHandler(
      forMethod: Method.TracePackets.descriptor,
      deserializer: ProtobufDeserializer<Sluice_V1_TracePacketsRequest>(),
      serializer: ProtobufSerializer<Sluice_V1_TracedPackets>()
    ) { request, _ in
      try await service.trace(try await ServerRequest(stream: request).message)
    }
  }

  private var status: Sluice_V1_Status {
    let now = daemon.sessions.wallTime(daemon.sessions.now)
    let closed = daemon.sessions.closedStatus
    return .with {
      $0.version = version
      $0.commit = commit
      $0.startTime = Google_Protobuf_Timestamp(nanoseconds: daemon.startTime)
      $0.uptimeSeconds = now > daemon.startTime ? Double(now - daemon.startTime) / 1e9 : 0
      $0.workers = UInt32(clamping: daemon.configuration.workers)
      $0.capacity = UInt64(daemon.configuration.capacity)
      $0.liveSessions = daemon.total(.liveSessions)
      $0.lingeringSessions = daemon.total(.lingeringSessions)
      $0.closedRetained = UInt64(closed.retained)
      $0.closedRetention = UInt64(closed.limit)
      $0.closedLost = closed.lost
      $0.sessionsOpened = daemon.total(.sessionsOpened)
      $0.closedFinack = daemon.total(.closedFINACK)
      $0.closedRst = daemon.total(.closedRST)
      $0.closedTimeout = daemon.total(.closedTimeout)
      $0.sessionsDeleted = daemon.total(.sessionsDeleted)
    }
  }

  /// A refusal is an answer: the call itself has not failed.
  private func reloaded() async -> Sluice_V1_ReloadResponse {
    let outcome = await reload()
    return .with {
      $0.changes = outcome.changes
      $0.problems = outcome.problems
    }
  }

  private var workers: Sluice_V1_ListWorkersResponse {
    .with {
      $0.workers = daemon.workers().map { Sluice_V1_Worker($0) }
      $0.monotonicNanoseconds = daemon.sessions.now.nanoseconds
    }
  }

  private var ports: Sluice_V1_ListPortsResponse {
    .with {
      $0.ports = daemon.ports().map { Sluice_V1_Port($0) }
      $0.monotonicNanoseconds = daemon.sessions.now.nanoseconds
    }
  }

  private var drops: Sluice_V1_ListDropsResponse {
    .with {
      $0.drops = daemon.drops().map { Sluice_V1_Drop($0) }
      $0.monotonicNanoseconds = daemon.sessions.now.nanoseconds
    }
  }

  private var memory: Sluice_V1_Memory {
    let report = daemon.memory()
    return .with {
      $0.residentBytes = report.residentBytes
      $0.tableBytes = report.tableBytes
      $0.pages = report.hasHugePages ? "2M" : "4K"
      $0.poolBytes = report.poolBytes
      $0.closedRetainedBytes = report.closedRetainedBytes
    }
  }
}
