internal import Config
public import Dataplane

extension Daemon {
  /// A neighbour, for `show neighbors`.
  public struct NeighborReport: Sendable {
    public enum State: String, Sendable, Comparable {
      case incomplete, probing, reachable
      case fixed = "static"

      /// The better one is the greater one.
      public static func < (left: State, right: State) -> Bool { left.rank < right.rank }

      private var rank: Int {
        switch self {
        case .incomplete: 0
        case .probing: 1
        case .reachable: 2
        case .fixed: 3
        }
      }
    }

    public var port: String
    /// Where it is.
    public var lif: LIF
    public var address: IPAddress
    /// nil while it is not known.
    public var mac: MACAddress?
    /// The best that a worker has.
    public var state: State
    /// Nanoseconds until that is looked at again; 0 for static ones.
    public var left: UInt64
    /// Packets that wait for it, in all workers.
    public var waiting: Int
    /// Workers that know it; none of one that only copies go to.
    public var workers: Int
  }

  /// Places of a worker's list that it looks at for one command: some ten microseconds.
  private static let neighborScan = 512

  /// Neighbours as workers know them, and those of the configuration, by port and address.
  ///
  /// - Parameter port: the name of one whose neighbours are wanted; nil for all ports.
  /// - Returns: nil when there is no such port.
  public func neighbors(of port: String? = nil) async -> [NeighborReport]? {
    let names = configuration.portNames
    if let port, !names.values.contains(port) { return nil }
    var found: [LinkAddress: NeighborReport] = [:]
    for neighbor in configuration.neighbors {
      let key = LinkAddress(lif: neighbor.lif, address: neighbor.address)
      found[key] = NeighborReport(
        port: names[neighbor.lif.number] ?? "lif-\(neighbor.lif.number)", lif: neighbor.lif,
        address: neighbor.address, mac: neighbor.mac, state: .fixed, left: 0, waiting: 0, workers: 0)
    }
    for worker in 0..<configuration.workers {
      var cursor: UInt32? = 0
      while let position = cursor {
        let batch = SessionBatch(.neighbors(from: position, scanning: Self.neighborScan))
        await sessions.run(batch, on: worker)
        guard batch.isDone else { break }
        for snapshot in batch.neighbors {
          guard let report = NeighborReport(snapshot, names) else { continue }
          let key = LinkAddress(lif: report.lif, address: report.address)
          if found[key]?.merge(report) == nil { found[key] = report }
        }
        cursor = batch.nextCursor
      }
    }
    return found.values.filter { port == nil || $0.port == port }.sorted { $0.order < $1.order }
  }
}

/// What tells neighbours apart.
private struct LinkAddress: Hashable {
  var lif: LIF
  var address: IPAddress
}

extension Daemon.NeighborReport {
  /// - Returns: nil for a place that is free.
  fileprivate init?(_ snapshot: NeighborSnapshot, _ names: [UInt16: String]) {
    let state: State
    switch snapshot.state {
    case .free: return nil
    case .incomplete: state = .incomplete
    case .reachable: state = .reachable
    case .probing: state = .probing
    case .fixed: state = .fixed
    }
    self.init(
      port: names[snapshot.lif] ?? "lif-\(snapshot.lif)", lif: LIF(number: snapshot.lif),
      address: snapshot.address, mac: snapshot.mac, state: state, left: snapshot.left,
      waiting: snapshot.waiting, workers: 1)
  }

  /// Adds what another worker knows of it.
  fileprivate mutating func merge(_ other: Self) {
    if (state, left) < (other.state, other.left) {
      (state, left, mac) = (other.state, other.left, other.mac)
    }
    waiting += other.waiting
    workers += other.workers
  }

  fileprivate var order: (UInt16, UInt16, UInt8, UInt64, UInt64) {
    (lif.number, lif.vlan, address.family.rawValue, address.high, address.low)
  }
}
