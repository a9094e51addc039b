/// What sessions need to know about one packet that has a 5-tuple. Made by the parse pass, 64 bytes.
///
/// Of ordinary packets it makes only what the fast path needs; `complete` adds the rest.
package struct SessionPacket: BitwiseCopyable {
  package var key: FlowKey
  package var time: PacketTime
  /// LIF and VLAN on which it arrived; never a wildcard.
  package var lif: LIF
  /// Bytes on its link.
  package var bytes: UInt32
  /// TCP sequence and acknowledgement numbers. The sequence, like the payload, only of packets that are not
  /// ordinary: nothing else asks.
  package var sequence: UInt32
  package var acknowledgment: UInt32
  /// TCP payload in bytes; 0 for ordinary packets, `quoted` for an ICMP error.
  package var payloadLength: UInt32
  /// Record that the probe found: a guess, `FlowTable.none` or `FlowTable.unknown`. Before that the home
  /// bucket.
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
  /// Position of the packet in the burst.
  package var index: UInt8

  /// More than any packet has.
  private static let quoted = UInt32.max

  /// Whether this is an ICMP error: its key is the quoted packet's in the error's direction. It counts as
  /// `other`, never into a session.
  package var isICMPError: Bool { payloadLength == Self.quoted }
  package mutating func markICMPError() { payloadLength = Self.quoted }

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
    windowScaleOption: noWindowScale, index: 0)

  /// Makes an ordinary packet what the long way wants to see: without what only others have.
  package mutating func complete() {
    guard isOrdinary else { return }
    hasTCPFields = key.kind.isTCP
    flags = hasTCPFields ? .ack : []
    sequence = 0
    payloadLength = 0
    windowScaleOption = Self.noWindowScale
  }

  /// Whether it neither opens nor closes a connection: UDP, or TCP with ACK and without SYN, FIN and RST,
  /// its fields captured. For UDP sequence, acknowledgement and window are then of no meaning. Part of the
  /// key, and set after it.
  @inline(__always) package var isOrdinary: Bool {
    get { key.isOrdinary }
    set { key.isOrdinary = newValue }
  }
}
