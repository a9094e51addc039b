/// What sessions need to know about one packet that has a 5-tuple. Made by the parse pass, 64 bytes.
package struct SessionPacket: BitwiseCopyable {
  package var key: FlowKey
  package var time: PacketTime
  /// LIF and VLAN on which it arrived; never a wildcard.
  package var lif: LIF
  /// Bytes on its link.
  package var bytes: UInt32
  /// TCP sequence and acknowledgement numbers; 0 for UDP.
  package var sequence: UInt32
  package var acknowledgment: UInt32
  /// TCP payload in bytes.
  package var payloadLength: UInt32
  /// Record that the probe found: a guess, `FlowTable.none` or `FlowTable.unknown`.
  package var candidate: UInt32
  package var window: UInt16
  /// TCP flags; empty for UDP and when the capture cut them off.
  package var flags: TCPFlags
  /// Whether flags, numbers and window are there: a whole TCP header was captured.
  package var hasTCPFields: Bool
  /// Position of the port it came by in the worker's list.
  package var port: UInt8
  /// The window scale option of a SYN; `noWindowScale` when it has none.
  package var windowScaleOption: UInt8

  package static let noWindowScale = UInt8.max
  /// The SYN's options were not captured whole.
  package static let cutWindowScale = UInt8.max - 1

  /// The shift that a SYN announces, at most 14 (RFC 7323 §2.3); nil without the option.
  package var windowScale: UInt8? {
    windowScaleOption == Self.noWindowScale ? nil : min(windowScaleOption, 14)
  }

  package static let empty = SessionPacket(
    key: FlowKey(addresses: 0, ports: 0, kind: .none, side: 0, hash: FlowHash(rawValue: 0)),
    time: .zero, lif: .any, bytes: 0, sequence: 0, acknowledgment: 0, payloadLength: 0,
    candidate: FlowTable.none, window: 0, flags: [], hasTCPFields: false, port: 0,
    windowScaleOption: noWindowScale)

  /// Whether it neither opens nor closes a connection: UDP, or TCP with ACK and without SYN, FIN and RST.
  @inline(__always) package var isOrdinary: Bool { !hasTCPFields || flags.isOrdinary }
}
