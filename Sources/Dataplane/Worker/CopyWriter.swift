/// Writes a MIRROR or SNOOP copy of a packet: a new Ethernet header for the next hop, or GRE around the
/// frame.
struct CopyWriter {
  let neighbor: Neighbor
  /// Ethernet source address.
  let source: MACAddress
  let encapsulation: CopyEncapsulation
  /// Of an outer IPv4 header. RFC 6864 §4.2.
  let identification: UInt16

  /// Fills the empty `buffer`.
  ///
  /// - Parameter bytes: the packet as captured; it has a 5-tuple, so it parses.
  /// - Returns: the copy's length on its link; nil when it does not fit or GRE has no source address for
  ///   the next hop's family.
  func write(
    _ bytes: RawSpan, link: LinkType, originalLength: UInt32, into buffer: inout PacketBuffer,
    of pool: inout PacketPool
  ) -> UInt32? {
    guard let frame = try? Frame.parse(bytes, link: link, originalLength: originalLength) else { return nil }
    let original = max(Int(originalLength), bytes.byteCount)
    switch encapsulation {
    case .ethernet:
      let skipped = Int(frame.networkOffset)
      guard pool.append(bytes.extracting(droppingFirst: skipped), to: &buffer) else { return nil }
      guard let header = writeEthernet(frame.etherType, &buffer, &pool) else { return nil }
      return UInt32(clamping: original - skipped + header)
    case .gre(let sourceIPv4, let sourceIPv6):
      // The whole frame where it is Ethernet, else the IP packet alone.
      let isEthernet = link == .ethernet
      let skipped = isEthernet ? 0 : Int(frame.networkOffset)
      let type = isEthernet ? EtherType.transparentEthernetBridging : frame.etherType
      guard pool.append(bytes.extracting(droppingFirst: skipped), to: &buffer),
        let outer = writeGRE(
          type, payload: original - skipped, neighbor.address.family == .ipv4 ? sourceIPv4 : sourceIPv6,
          &buffer, &pool),
        let header = writeEthernet(
          neighbor.address.family == .ipv4 ? EtherType.ipv4 : EtherType.ipv6, &buffer, &pool)
      else { return nil }
      return UInt32(clamping: original - skipped + outer + header)
    }
  }

  /// - Returns: bytes written.
  private func writeEthernet(
    _ type: UInt16, _ buffer: inout PacketBuffer, _ pool: inout PacketPool
  ) -> Int? {
    let isTagged = neighbor.lif.vlan != 0
    let size = EthernetHeader.size + (isTagged ? VLANTag.size : 0)
    guard pool.prepend(size, to: &buffer) else { return nil }
    var header = pool.mutableBytes(buffer)
    EthernetHeader.write(
      destination: neighbor.mac, source: source, etherType: isTagged ? EtherType.vlan : type, into: &header)
    if isTagged {
      VLANTag.write(identifier: neighbor.lif.vlan, typeOrLength: type, into: &header, at: EthernetHeader.size)
    }
    return size
  }

  /// - Returns: bytes written; nil without a source address or when the outer length would not fit its field.
  private func writeGRE(
    _ type: UInt16, payload: Int, _ address: IPAddress?, _ buffer: inout PacketBuffer,
    _ pool: inout PacketPool
  ) -> Int? {
    guard let address else { return nil }
    let isIPv4 = address.family == .ipv4
    let ip = isIPv4 ? IPv4Header.size : IPv6Header.size
    let length = payload + GREHeader.size + (isIPv4 ? ip : 0)
    guard length <= 0xFFFF, pool.prepend(ip + GREHeader.size, to: &buffer) else { return nil }
    var header = pool.mutableBytes(buffer)
    if isIPv4 {
      IPv4Header.write(
        source: address, destination: neighbor.address, protocolNumber: IPProtocol.gre, totalLength: length,
        identification: identification, into: &header, at: 0)
    } else {
      IPv6Header.write(
        source: address, destination: neighbor.address, nextHeader: IPProtocol.gre, payloadLength: length,
        into: &header, at: 0)
    }
    GREHeader.write(protocolType: type, into: &header, at: ip)
    return ip + GREHeader.size
  }
}
