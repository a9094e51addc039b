import Dataplane

/// A session as one JSON object: a line of `--sessions-out` and of `session list --json`. Enumerations by
/// their proto names, times as RFC 3339. Its names are an interface: they are added to, never changed.
enum SessionJSON {
  /// No value needs escaping: numbers, addresses, names of ours.
  static func text(_ session: SessionSnapshot) -> String { "{\(fields(session))}" }

  /// What only a running daemon tells, in addition.
  static func detailed(_ session: SessionSnapshot, before: String = "") -> String {
    """
    {\(before)\(fields(session)),"in_lif":\(session.inLIF.number),"in_vlan":\(session.inLIF.vlan),\
    "out_lif":\(session.outLIF.number),"out_vlan":\(session.outLIF.vlan),"learned":\(session.isLearned),\
    "last_packet_time":\(session.inPackets | session.outPackets == 0 ? "null" : quoted(session.lastSeen))}
    """
  }

  private static func fields(_ session: SessionSnapshot) -> String {
    """
    "session_id":\(session.id.rawValue),\
    "source":"\(session.tuple.source)","source_port":\(session.tuple.sourcePort),\
    "destination":"\(session.tuple.destination)","destination_port":\(session.tuple.destinationPort),\
    "protocol":"\(session.tuple.transport.protoName)","action":"\(session.action.protoName)",\
    "in_packets":\(session.inPackets),"out_packets":\(session.outPackets),\
    "in_bytes":\(session.inBytes),"out_bytes":\(session.outBytes),\
    "state":"\(session.state.protoName)","close_code":"\(session.closeCode.protoName)",\
    "start_time":\(quoted(session.start)),\
    "end_time":\(session.state == .closed ? quoted(session.end) : "null")
    """
  }

  private static func quoted(_ time: PacketTime) -> String { "\"\(RFC3339.text(time))\"" }
}
