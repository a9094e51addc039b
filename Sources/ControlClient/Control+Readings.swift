internal import Dataplane
internal import OPIProtos
internal import SwiftProtobuf

extension Control {
  package func status() async throws -> StatusReading {
    let message = try await call { try await dataplane.getStatus(.init(), options: Self.options) }
    return StatusReading(
      version: message.version, commit: message.commit,
      startNanoseconds: message.startTime.nanosecondsSinceEpoch, uptimeSeconds: message.uptimeSeconds,
      workers: message.workers, capacity: message.capacity, liveSessions: message.liveSessions,
      lingeringSessions: message.lingeringSessions, closedRetained: message.closedRetained,
      closedRetention: message.closedRetention, closedLost: message.closedLost,
      sessionsOpened: message.sessionsOpened, closedFinack: message.closedFinack,
      closedRst: message.closedRst, closedTimeout: message.closedTimeout,
      sessionsDeleted: message.sessionsDeleted)
  }

  package func workers() async throws -> Reading<WorkerReading> {
    let message = try await call { try await dataplane.listWorkers(.init(), options: Self.options) }
    let items = message.workers.map { worker in
      WorkerReading(
        index: worker.index, core: worker.core < 0 ? nil : Int(worker.core),
        node: worker.hasNode ? Int(worker.node) : nil, polling: worker.polling, scheduler: worker.scheduler,
        memory: worker.memory, counters: worker.counters,
        cpuNanoseconds: worker.cpuNanoseconds, commandNanoseconds: worker.commandNanoseconds,
        commands: worker.commands)
    }
    return Reading(items: items, monotonicNanoseconds: message.monotonicNanoseconds)
  }

  package func ports() async throws -> Reading<PortReading> {
    let message = try await call { try await dataplane.listPorts(.init(), options: Self.options) }
    let items = message.ports.map { port in
      PortReading(
        name: port.name, lif: port.lif, peer: port.peer, host: port.host, kind: port.kind,
        source: port.source,
        receivedPackets: port.receivedPackets, receivedBytes: port.receivedBytes,
        transmittedPackets: port.transmittedPackets, transmittedBytes: port.transmittedBytes, miss: port.miss,
        nonSession: port.nonSession, attachment: port.attachment, receiving: port.receiving,
        error: port.error, events: port.events)
    }
    return Reading(items: items, monotonicNanoseconds: message.monotonicNanoseconds)
  }

  package func drops() async throws -> Reading<DropReading> {
    let message = try await call { try await dataplane.listDrops(.init(), options: Self.options) }
    let items = message.drops.map { drop in
      DropReading(
        reason: drop.reason, description: drop.description_p, packets: drop.packets, ports: drop.ports)
    }
    return Reading(items: items, monotonicNanoseconds: message.monotonicNanoseconds)
  }

  package func neighbors(port: String) async throws -> Reading<NeighborReading> {
    let message = try await call {
      try await dataplane.listNeighbors(.with { $0.port = port }, options: Self.options)
    }
    let items = message.neighbors.map { neighbor in
      NeighborReading(
        port: neighbor.port, lif: neighbor.lif, vlan: neighbor.vlan,
        address: IPAddress(bytes: neighbor.address).map { "\($0)" } ?? "?", mac: neighbor.mac,
        state: neighbor.state, secondsLeft: neighbor.secondsLeft, waiting: neighbor.waiting,
        workers: neighbor.workers)
    }
    return Reading(
      items: items, monotonicNanoseconds: message.monotonicNanoseconds, leftOut: message.leftOut)
  }

  /// Has the daemon read its configuration again: what was changed, or why nothing was, a line each.
  package func reload() async throws -> (changes: [String], problems: [String]) {
    let message = try await call { try await dataplane.reload(.init(), options: Self.options) }
    return (message.changes, message.problems)
  }

  package func memory() async throws -> MemoryReading {
    let message = try await call { try await dataplane.getMemory(.init(), options: Self.options) }
    return MemoryReading(
      residentBytes: message.residentBytes, tableBytes: message.tableBytes, pages: message.pages,
      poolBytes: message.poolBytes, closedRetainedBytes: message.closedRetainedBytes)
  }
}
