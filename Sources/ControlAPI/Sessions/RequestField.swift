/// The generations of the SessionTable API. Their messages have the same fields, under other names.
package enum Generation: Sendable {
  /// `opi.security.firewall.v1`
  case opi
  /// `openoffload.v2`
  case openOffload
}

/// Fields of SessionRequest that a request can be refused for.
package enum RequestField: UInt8, Sendable, BitwiseCopyable {
  case sessionID, inLIF, outLIF, ipVersion
  case sourceIP, sourceIPv6, sourcePort
  case destinationIP, destinationIPv6, destinationPort
  case protocolID, action, actionType, nextHop, nextHopIPv6, cacheTimeout

  /// As the generation's proto file spells it.
  func name(in generation: Generation) -> String {
    switch generation {
    case .opi: opiName
    case .openOffload: openOffloadName
    }
  }

  private var opiName: String {
    switch self {
    case .sessionID: "session_id"
    case .inLIF: "inlif"
    case .outLIF: "outlif"
    case .ipVersion: "ipversion"
    case .sourceIP: "sourceip"
    case .sourceIPv6: "sourceipv6"
    case .sourcePort: "sourceport"
    case .destinationIP: "destinationip"
    case .destinationIPv6: "destinationipv6"
    case .destinationPort: "destinationport"
    case .protocolID: "protocolid"
    case .action: "action"
    case .actionType: "action.actiontype"
    case .nextHop: "action.actionnexthop"
    case .nextHopIPv6: "action.actionnexthopv6"
    case .cacheTimeout: "cachetimeout"
    }
  }

  private var openOffloadName: String {
    switch self {
    case .sessionID: "session_id"
    case .inLIF: "in_lif"
    case .outLIF: "out_lif"
    case .ipVersion: "ip_version"
    case .sourceIP: "source_ip"
    case .sourceIPv6: "source_ipv6"
    case .sourcePort: "source_port"
    case .destinationIP: "destination_ip"
    case .destinationIPv6: "destination_ipv6"
    case .destinationPort: "destination_port"
    case .protocolID: "protocol_id"
    case .action: "action"
    case .actionType: "action.action_type"
    case .nextHop: "action.action_next_hop"
    case .nextHopIPv6: "action.action_next_hop_v6"
    case .cacheTimeout: "cache_timeout"
    }
  }
}
