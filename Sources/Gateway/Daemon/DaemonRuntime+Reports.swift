import Config
import Dataplane
import PacketIO

extension DaemonRuntime {
  package func workers() -> [Daemon.WorkerReport] {
    group.setup.counters.enumerated().map { index, page in
      let thread = group.thread(index)
      return Daemon.WorkerReport(
        index: index, core: thread.place.core, node: placement.seats[index].node,
        polling: configuration.threads.isBusyPolling ? "busy" : "adaptive",
        scheduler: thread.place.fifoPriority.map { "fifo \($0)" } ?? "other",
        memory: placement.seats[index].memory(thread.memoryProblem),
        counters: Counter.allCases.map { (name: "\($0)", value: page[$0]) },
        cpuNanoseconds: thread.cpuNanoseconds, commandNanoseconds: page[.commandNanoseconds],
        commands: page[.commands])
    }
  }

  package func ports() -> [Daemon.PortReport] {
    configuration.ports.enumerated().map { position, port in
      var received = PortCounters.Traffic()
      var transmitted = PortCounters.Traffic()
      for counters in portCounters {
        received += counters.received(position)
        transmitted += counters.transmitted(position)
      }
      let feed = feeds.first { $0.ports.contains(position) }
      let trouble = livePorts.first { Int($0.arrival.port) == position }?.trouble
      // The other port of a split has packets of the one capture.
      let capture = port.capture ?? feed.flatMap { _ in configuration.ports.compactMap(\.capture).first }
      return Daemon.PortReport(
        name: port.name, lif: port.lif.number, peer: port.peer.number,
        host: port.host.flatMap { host in configuration.ports.first { $0.lif == host }?.name },
        kind: capture != nil ? .capture : port.memory != nil ? .memory : Self.kind(port.live),
        source: capture ?? port.memory.map { "\($0.flows) flows, \($0.size) bytes" }
          ?? port.live?.interface ?? "",
        receivedPackets: received.packets, receivedBytes: received.bytes,
        transmittedPackets: transmitted.packets, transmittedBytes: transmitted.bytes,
        miss: "\(port.miss)", nonSession: "\(port.nonSession)",
        events: events(position),
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

  private func events(_ port: Int) -> [(name: String, count: UInt64)] {
    PortCounters.Event.allCases.compactMap { event in
      let count = portCounters.reduce(0) { $0 + $1[port, event] }
      return count > 0 ? (name: "\(event)", count: count) : nil
    }
  }

  package func drops() -> [Daemon.DropReport] {
    DropReason.allCases.map { reason in
      Daemon.DropReport(reason: reason, packets: group.total(reason), ports: ports(thatDropped: reason))
    }
    .filter { $0.packets > 0 }
    .sorted { $0.packets > $1.packets }
  }

  /// The ports by which packets came that were dropped for a reason, those with most first.
  private func ports(thatDropped reason: DropReason) -> [(name: String, packets: UInt64)] {
    configuration.ports.enumerated()
      .map { position, port in
        (port.name, group.setup.counters.reduce(0) { $0 + $1.portDrops[reason, position] })
      }
      .filter { $0.1 > 0 }
      .sorted { $0.1 > $1.1 }
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
