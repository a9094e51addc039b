import Dataplane

extension PacketDescriptor {
  /// Whether a packet with an Ethernet header is too long for an interface: longer than its MTU and that
  /// header. One tag may come on top (IEEE 802.3 §3.2.7), as the kernel allows.
  @inline(__always) func isLonger(thanFits mtu: Int) -> Bool {
    let length = unsafe Int(capturedLength)
    guard length > mtu + EthernetHeader.size else { return false }
    return unsafe length > mtu + linkHeaderSize
  }

  /// Bytes before what the MTU limits.
  private var linkHeaderSize: Int {
    // SAFETY: a descriptor's bytes are readable while its burst lasts.
    let bytes = unsafe RawSpan(_unsafeStart: start, byteCount: Int(capturedLength))
    guard let header = try? EthernetHeader(parsing: bytes), VLANTag.isAnnounced(by: header.typeOrLength)
    else { return EthernetHeader.size }
    return EthernetHeader.size + VLANTag.size
  }
}
