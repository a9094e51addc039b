/// Writes a packet with another outer VLAN: its tag changed, added or taken off.
struct TagWriter {
  /// VID to leave with; 0 is untagged.
  let vlan: UInt16

  /// Fills the empty `buffer`. A link without tags keeps its bytes as they are.
  ///
  /// - Returns: false when the packet does not fit.
  func write(
    _ bytes: RawSpan, link: LinkType, into buffer: inout PacketBuffer, of pool: inout PacketPool
  ) -> Bool {
    guard link == .ethernet, let header = try? EthernetHeader(parsing: bytes) else {
      return pool.append(bytes, to: &buffer)
    }
    let addresses = EthernetHeader.size - 2
    let isTagged = VLANTag.isAnnounced(by: header.typeOrLength)
    guard isTagged || vlan != 0 else { return pool.append(bytes, to: &buffer) }
    guard pool.append(bytes.extracting(first: addresses), to: &buffer) else { return false }
    let tpid = isTagged ? header.typeOrLength : EtherType.vlan
    let rest = bytes.extracting(droppingFirst: isTagged ? addresses + VLANTag.size : addresses)
    if vlan == 0 { return pool.append(rest, to: &buffer) }
    // TPID and control field, then the type and all behind it.
    let at = Int(buffer.length)
    guard pool.extend(VLANTag.size, &buffer), pool.append(rest, to: &buffer) else { return false }
    var written = pool.mutableBytes(buffer)
    written.storeBigEndian(tpid, at: at)
    written.storeBigEndian(control(bytes, isTagged: isTagged), at: at + 2)
    return true
  }

  /// The tag's control field: a tagged packet keeps its priority.
  private func control(_ bytes: RawSpan, isTagged: Bool) -> UInt16 {
    guard isTagged, bytes.byteCount >= EthernetHeader.size + 2 else { return vlan }
    return bytes.loadBigEndian(at: EthernetHeader.size, as: UInt16.self) & 0xF000 | vlan
  }
}
