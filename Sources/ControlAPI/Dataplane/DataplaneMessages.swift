internal import Dataplane
internal import Gateway
internal import OPIProtos

// Messages of sluice.v1 about workers, ports and drops.

extension Sluice_V1_Worker {
  init(_ report: Daemon.WorkerReport) {
    self.init()
    index = UInt32(clamping: report.index)
    core = report.core.map { Int32(clamping: $0) } ?? -1
    if let node = report.node { self.node = Int32(clamping: node) }
    polling = report.polling
    scheduler = report.scheduler
    memory = report.memory
    for counter in report.counters { counters[counter.name] = counter.value }
    cpuNanoseconds = report.cpuNanoseconds
    commandNanoseconds = report.commandNanoseconds
    commands = report.commands
  }
}

extension Sluice_V1_Port {
  init(_ report: Daemon.PortReport) {
    self.init()
    name = report.name
    lif = UInt32(report.lif)
    peer = UInt32(report.peer)
    host = report.host ?? ""
    kind = report.kind.rawValue
    source = report.source
    attachment = report.attachment
    receivedPackets = report.receivedPackets
    receivedBytes = report.receivedBytes
    transmittedPackets = report.transmittedPackets
    transmittedBytes = report.transmittedBytes
    miss = report.miss
    nonSession = report.nonSession
    receiving = report.isReceiving
    error = report.error ?? ""
    for event in report.events { events[event.name] = event.count }
  }
}

extension Sluice_V1_Drop {
  init(_ report: Daemon.DropReport) {
    self.init()
    reason = report.reason.name
    description_p = report.reason.sentence
    packets = report.packets
    ports = Dictionary(report.ports.map { ($0.name, $0.packets) }, uniquingKeysWith: +)
  }
}
