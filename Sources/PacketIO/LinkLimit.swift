import Dataplane

/// What a live port's interface takes: longer packets are dropped by name before the kernel refuses them.
struct LinkLimit: BitwiseCopyable {
  /// The interface's MTU in bytes.
  var mtu: Int

  /// Why a packet is not given to the kernel; nil when it is.
  @inline(__always)
  func refusal(_ packet: PacketDescriptor) -> DropReason? {
    let length = unsafe Int(packet.capturedLength)
    if length > mtu + EthernetHeader.size, unsafe length > mtu + Self.linkHeader(packet) { return .oversized }
    // What a capture has cut off is nowhere, and another link's packets have no Ethernet header.
    guard unsafe packet.link == .ethernet && packet.capturedLength == packet.originalLength else {
      return .transmitFailed
    }
    return nil
  }

  /// Whether a copy of so many bytes is given to the kernel.
  func takesCopy(_ byteCount: Int) -> Bool { byteCount <= mtu + EthernetHeader.size + VLANTag.size }

  /// Bytes before what the MTU limits: one tag may come on top (IEEE 802.3 §3.2.7), as the kernel allows.
  private static func linkHeader(_ packet: PacketDescriptor) -> Int {
    // SAFETY: the descriptor's bytes are readable while its burst lasts.
    let bytes = unsafe RawSpan(_unsafeStart: packet.start, byteCount: Int(packet.capturedLength))
    guard let header = try? EthernetHeader(parsing: bytes), VLANTag.isAnnounced(by: header.typeOrLength)
    else { return EthernetHeader.size }
    return EthernetHeader.size + VLANTag.size
  }
}

extension Verdict.Kind {
  /// Whether such a packet leaves by a port.
  @inline(__always) var isSent: Bool {
    switch self {
    case .forward, .mirror, .snoop: true
    case .drop, .punt, .consume, .handOff, .hold: false
    }
  }
}
