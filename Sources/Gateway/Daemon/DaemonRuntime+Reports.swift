import Config
import Dataplane
import PacketIO

extension DaemonRuntime {
  package func workers() -> [Daemon.WorkerReport] {
    group.setup.counters.enumerated().map { index, page in
      let thread = group.thread(index)
      return Daemon.WorkerReport(
        index: index, core: thread.place.core, node: placement.seats[index].node,
        polling: started.threads.isBusyPolling ? "busy" : "adaptive",
        scheduler: thread.place.fifoPriority.map { "fifo \($0)" } ?? "other",
        memory: placement.seats[index].memory(thread.memoryProblem),
        counters: Counter.allCases.map { (name: "\($0)", value: page[$0]) },
        cpuNanoseconds: thread.cpuNanoseconds, commandNanoseconds: page[.commandNanoseconds],
        commands: page[.commands])
    }
  }

  package func portReports() -> [Daemon.PortReport] {
    let running = ports.withLock { $0 }
    let configuration = running.configuration
    return zip(configuration.ports, running.places).map { port, place in
      let counted = PortTotals(portCounters, group.setup.counters, at: place) - running.before[place]
      let feed = running.feeds[place]
      let live = running.live[place]
      let trouble = live?.trouble
      // The other port of a split has packets of the one capture.
      let capture = port.capture ?? feed.flatMap { _ in configuration.ports.compactMap(\.capture).first }
      return Daemon.PortReport(
        name: port.name, lif: port.lif.number, peer: port.peer.number,
        host: port.host.flatMap { host in configuration.ports.first { $0.lif == host }?.name },
        kind: capture != nil ? .capture : port.memory != nil ? .memory : Self.kind(port.live),
        source: capture ?? port.memory.map { "\($0.flows) flows, \($0.size) bytes" }
          ?? port.live?.interface ?? "",
        attachment: live?.attachment ?? "",
        receivedPackets: counted.received.packets, receivedBytes: counted.received.bytes,
        transmittedPackets: counted.transmitted.packets, transmittedBytes: counted.transmitted.bytes,
        miss: "\(port.miss)", nonSession: "\(port.nonSession)",
        events: zip(PortCounters.Event.allCases, counted.events).compactMap { event, count in
          count > 0 ? (name: "\(event)", count: count) : nil
        },
        isReceiving: isRunning
          && (port.live != nil && trouble == nil || port.memory != nil || feed?.isFinished == false),
        error: feed?.progress.error?.description ?? trouble)
    }
  }

  private static func kind(_ live: LivePortSettings?) -> Daemon.PortReport.Kind {
    switch live {
    case .afPacket: .afPacket
    case .afXDP: .afXDP
    case .tap: .tap
    case nil: .none
    }
  }

  package func drops() -> [Daemon.DropReport] {
    let running = ports.withLock { $0 }
    let ports = zip(running.configuration.ports, running.places).map { port, place in
      (
        name: port.name,
        drops: (PortTotals(portCounters, group.setup.counters, at: place) - running.before[place]).drops
      )
    }
    return DropReason.allCases.enumerated().map { index, reason in
      // Those with most first.
      let dropping = ports.map { (name: $0.name, packets: $0.drops[index]) }
        .filter { $0.packets > 0 }
        .sorted { $0.packets > $1.packets }
      return Daemon.DropReport(reason: reason, packets: group.total(reason), ports: dropping)
    }
    .filter { $0.packets > 0 }
    .sorted { $0.packets > $1.packets }
  }

  /// - Parameter retained: records of closed sessions that are kept.
  package func memory(retained: Int) -> Daemon.MemoryReport {
    let memory = group.setup.memory
    let process = ProcessMemory()
    return Daemon.MemoryReport(
      residentBytes: process.residentBytes, tableBytes: memory.tables,
      hasHugePages: process.hugePageBytes > 0, poolBytes: memory.buffers,
      closedRetainedBytes: UInt64(retained * MemoryLayout<SessionSnapshot>.stride))
  }
}
