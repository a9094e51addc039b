/// What `sluice.v1` tells of the dataplane. Their names are those of `show --json`: added to, never changed.

/// Something with the time at which it was read, for rates between two readings.
package struct Reading<Item: Encodable & Sendable>: Sendable {
  package var items: [Item]
  /// Nanoseconds of the daemon's monotonic clock.
  package var monotonicNanoseconds: UInt64
  /// Items that the answer had no room for.
  package var leftOut: UInt64 = 0
}

/// What runs, since when, and how full it is.
package struct StatusReading: Encodable, Sendable {
  package var version, commit: String
  /// Nanoseconds since the Unix epoch, UTC.
  package var startNanoseconds: UInt64
  package var uptimeSeconds: Double
  package var workers: UInt32
  package var capacity, liveSessions, lingeringSessions: UInt64
  package var closedRetained, closedRetention, closedLost: UInt64
  package var sessionsOpened, closedFinack, closedRst, closedTimeout, sessionsDeleted: UInt64
}

/// One worker thread.
package struct WorkerReading: Encodable, Sendable {
  package var index: UInt32
  /// The CPU it is pinned to; nil when the scheduler chooses.
  package var core: Int?
  /// The NUMA node of that CPU.
  package var node: Int?
  /// `busy` or `adaptive`; `other` or `fifo 40`; `node 1` or why none was chosen. Empty for a server that
  /// does not say.
  package var polling, scheduler, memory: String
  /// By the names of docs/api.md.
  package var counters: [String: UInt64]
  package var cpuNanoseconds, commandNanoseconds, commands: UInt64

  /// A counter; 0 when the server does not have it.
  package subscript(counter: String) -> UInt64 { counters[counter] ?? 0 }
}

/// One port.
package struct PortReading: Encodable, Sendable {
  package var name: String
  package var lif, peer: UInt32
  /// The port that punted packets go to; empty for none.
  package var host: String
  /// `capture`, `memory`, `af_packet`, `af_xdp`, `tap` or `none`, and which.
  package var kind, source: String
  package var receivedPackets, receivedBytes, transmittedPackets, transmittedBytes: UInt64
  package var miss, nonSession: String
  /// How a live port is on its interface: `ring v2`, `ring v3`, `native`, `generic`; empty for others.
  package var attachment: String
  package var receiving: Bool
  /// Why it does not receive; empty when nothing went wrong.
  package var error: String
  /// What else was counted on a live port, by name.
  package var events: [String: UInt64]
}

/// A reason for which packets were dropped.
package struct DropReading: Encodable, Sendable {
  package var reason, description: String
  package var packets: UInt64
  /// By the name of the port by which they came.
  package var ports: [String: UInt64]
}

/// A neighbour on a port's link.
package struct NeighborReading: Encodable, Sendable {
  package var port: String
  package var lif, vlan: UInt32
  package var address: String
  /// Empty while it is not known.
  package var mac: String
  /// `incomplete`, `reachable`, `probing` or `static`.
  package var state: String
  /// Until that is looked at again; 0 for static ones.
  package var secondsLeft: Double
  /// Packets that wait for it.
  package var waiting: UInt64
  /// Workers that know it; 0 for one that only copies go to.
  package var workers: UInt32
}

/// Where memory goes, in bytes.
package struct MemoryReading: Encodable, Sendable {
  package var residentBytes, tableBytes: UInt64
  /// `2M` or `4K`.
  package var pages: String
  package var poolBytes, closedRetainedBytes: UInt64
}
