package import Dataplane
internal import Foundation
package import OPIProtos

extension Opi_Security_Firewall_V1_SessionRequest {
  /// The message that asks for a session; IPv4 addresses as `inet_pton` has them. Decision A1.
  package init(_ request: SessionRequest) {
    self.init()
    sessionID = request.id.rawValue
    inlif = Int32(bitPattern: request.inLIF.rawValue)
    outlif = Int32(bitPattern: request.outLIF.rawValue)
    switch request.tuple.source.family {
    case .ipv4:
      sourceip = request.tuple.source.ipv4Value.byteSwapped
      destinationip = request.tuple.destination.ipv4Value.byteSwapped
    case .ipv6:
      ipversion = .ipv6
      sourceipv6 = Data(request.tuple.source.networkBytes)
      destinationipv6 = Data(request.tuple.destination.networkBytes)
    }
    sourceport = UInt32(request.tuple.sourcePort)
    destinationport = UInt32(request.tuple.destinationPort)
    protocolid = request.tuple.transport == .tcp ? .tcp : .udp
    action = Opi_Security_Firewall_V1_ActionParameters(request.action, nextHop: request.nextHop)
    cachetimeout = request.cacheTimeout
  }
}

extension Opi_Security_Firewall_V1_ActionParameters {
  fileprivate init(_ action: Action, nextHop: IPAddress?) {
    self.init()
    actiontype =
      switch action {
      case .drop: .drop
      case .forward: .forward
      case .mirror: .mirror
      case .snoop: .snoop
      }
    guard let nextHop else { return }
    switch nextHop.family {
    case .ipv4: actionnexthop = nextHop.ipv4Value.byteSwapped
    case .ipv6: actionnexthopv6 = Data(nextHop.networkBytes)
    }
  }
}

extension IPAddress {
  /// The 16 bytes of an IPv6 address.
  fileprivate var networkBytes: [UInt8] {
    [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
  }
}
