internal import Dataplane
internal import GRPCCore
internal import Gateway
internal import OPIProtos
internal import SwiftProtobuf

extension DataplaneService {
  /// Neighbours of one port or of all, no more than fit.
  func neighbors(
    _ request: Sluice_V1_ListNeighborsRequest
  ) async throws(RPCError) -> Sluice_V1_ListNeighborsResponse {
    let held = try CallMemory.shared.beginList(of: Self.mostNeighbors)
    defer { CallMemory.shared.endList(held) }
    guard let found = await daemon.neighbors(of: request.port.isEmpty ? nil : request.port) else {
      throw RPCError(
        code: .notFound, message: "port \(request.port.prefix(Self.longestName)) is not configured")
    }
    return .with {
      $0.neighbors = found.prefix(Self.mostNeighbors).map { Sluice_V1_Neighbor($0) }
      $0.leftOut = UInt64(max(found.count - Self.mostNeighbors, 0))
      $0.monotonicNanoseconds = daemon.sessions.now.nanoseconds
    }
  }

  /// As documented in dataplane.proto.
  private static let mostNeighbors = 16_384
  /// Characters of a name that is told back.
  private static let longestName = 64
}

extension Sluice_V1_Neighbor {
  fileprivate init(_ report: Daemon.NeighborReport) {
    self.init()
    port = report.port
    lif = UInt32(report.lif.number)
    vlan = UInt32(report.lif.vlan)
    address = report.address.networkBytes
    mac = report.mac.map { "\($0)" } ?? ""
    state = report.state.rawValue
    secondsLeft = Double(report.left) / 1e9
    waiting = UInt64(report.waiting)
    workers = UInt32(report.workers)
  }
}
