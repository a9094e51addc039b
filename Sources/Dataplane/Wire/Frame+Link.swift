extension Frame {
  /// Ethernet, without tag or with one on the straight line.
  @inline(__always)
  static func ethernet(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    guard bytes.byteCount >= EthernetHeader.size else {
      let start = Frame(.otherEthernet, networkOffset: 0, etherType: 0)
      return try start.cut(before: EthernetHeader.size, original: original, else: .truncatedEthernet)
    }
    let header = try EthernetHeader(parsing: bytes)
    var frame = Frame(.otherEthernet, networkOffset: EthernetHeader.size, etherType: header.typeOrLength)
    if VLANTag.isAnnounced(by: frame.etherType) {
      guard bytes.byteCount >= EthernetHeader.size + VLANTag.size else {
        return try frame.cut(before: VLANTag.size, original: original, else: .truncatedVLANTag)
      }
      let tag = try VLANTag(parsing: bytes.extracting(droppingFirst: EthernetHeader.size))
      frame.vlan = tag.identifier
      frame.etherType = tag.typeOrLength
      frame.networkOffset = UInt16(EthernetHeader.size + VLANTag.size)
      frame.flags = Flag.oneTag
      if VLANTag.isAnnounced(by: frame.etherType) { return try frame.tagged(bytes, original: original) }
    }
    if frame.etherType == EtherType.ipv4 { return try frame.ipv4(bytes, original: original) }
    return try frame.network(bytes, original: original)
  }

  /// Every other link.
  @inline(never)
  static func notEthernet(_ bytes: RawSpan, link: LinkType, original: Int) throws(DropReason) -> Frame {
    switch link {
    case .rawIP:
      return try Frame(.cutBeforePorts, networkOffset: 0, etherType: 0).rawIP(bytes, original: original)
    case .linuxCooked:
      return try cooked(bytes, size: Cooked.size, protocolAt: Cooked.protocolType, original: original)
    case .linuxCooked2:
      return try cooked(bytes, size: Cooked.size2, protocolAt: Cooked.protocolType2, original: original)
    case .bsdNull, .bsdLoop:
      return try loopback(bytes, original: original)
    case .ethernet:
      return try ethernet(bytes, original: original)
    case .other:
      var frame = Frame(.otherLink, networkOffset: 0, etherType: 0)
      if bytes.byteCount < original { frame.flags = Flag.snapped }
      return frame
    }
  }

  /// Linux cooked capture: a pseudo header whose protocol field is an EtherType. LINKTYPE_LINUX_SLL, _SLL2.
  private static func cooked(
    _ bytes: RawSpan, size: Int, protocolAt offset: Int, original: Int
  ) throws(DropReason) -> Frame {
    guard bytes.byteCount >= size else {
      let start = Frame(.otherEthernet, networkOffset: 0, etherType: 0)
      return try start.cut(before: size, original: original, else: .truncatedLinkHeader)
    }
    let frame = Frame(.otherEthernet, networkOffset: size, etherType: bytes.loadBigEndian(at: offset))
    return try frame.tagged(bytes, original: original)
  }

  /// BSD loopback: an address family in either byte order. LINKTYPE_NULL, LINKTYPE_LOOP.
  private static func loopback(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    let start = Frame(.otherLink, networkOffset: 0, etherType: 0)
    guard bytes.byteCount >= Loopback.size else {
      return try start.cut(before: Loopback.size, original: original, else: .truncatedLinkHeader)
    }
    let word: UInt32 = bytes.loadBigEndian(at: 0)
    var frame = Frame(.otherLink, networkOffset: Loopback.size, etherType: 0)
    switch min(word, word.byteSwapped) {
    case Loopback.inet: frame.etherType = EtherType.ipv4
    case Loopback.inet6NetBSD, Loopback.inet6FreeBSD, Loopback.inet6Darwin, Loopback.inet6Linux:
      frame.etherType = EtherType.ipv6
    default:
      if bytes.byteCount < original { frame.flags = Flag.snapped }
      return frame
    }
    return try frame.network(bytes, original: original)
  }

  /// IP with nothing before it: the version field tells which.
  private func rawIP(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    guard bytes.byteCount >= 1 else { return try cut(before: 1, original: original, else: .truncatedIP) }
    var frame = self
    switch bytes.loadByte(at: 0) >> 4 {
    case 4: frame.etherType = EtherType.ipv4
    case 6: frame.etherType = EtherType.ipv6
    default: throw .badIPVersion
    }
    return try frame.network(bytes, original: original)
  }

  /// Passes the tags at ``networkOffset``, however many.
  @inline(never)
  func tagged(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    var frame = self
    while VLANTag.isAnnounced(by: frame.etherType) {
      guard frame.tagCount < VLANTag.maximumCount else { throw .tooManyVLANTags }
      let rest = bytes.extracting(droppingFirst: Int(frame.networkOffset))
      guard rest.byteCount >= VLANTag.size else {
        return try frame.cut(before: VLANTag.size, original: original, else: .truncatedVLANTag)
      }
      let tag = try VLANTag(parsing: rest)
      if frame.tagCount == 0 { frame.vlan = tag.identifier }
      frame.etherType = tag.typeOrLength
      frame.networkOffset += UInt16(VLANTag.size)
      frame.flags += Flag.oneTag
    }
    return try frame.network(bytes, original: original)
  }

  /// What the EtherType announces at ``networkOffset``.
  @inline(never)
  func network(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    switch etherType {
    case EtherType.ipv4: return try ipv4(bytes, original: original)
    case EtherType.ipv6: return try ipv6(bytes, original: original)
    case EtherType.arp: return try arp(bytes, original: original)
    default:
      var frame = self
      frame.kind = .otherEthernet
      if etherType < EtherType.minimum { frame.etherType = 0 }
      if bytes.byteCount < original { frame.flags |= Flag.snapped }
      return frame
    }
  }

  private func arp(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    var frame = self
    frame.kind = .arp
    if bytes.byteCount < original {
      frame.flags |= Flag.snapped
      return frame
    }
    _ = try ARPPacket(parsing: bytes.extracting(droppingFirst: Int(networkOffset)))
    return frame
  }

  /// A header of `size` bytes at ``networkOffset`` was not captured whole: snapped, or truncated on the wire.
  @inline(never)
  func cut(before size: Int, original: Int, else reason: DropReason) throws(DropReason) -> Frame {
    guard original - Int(networkOffset) >= size else { throw reason }
    var frame = self
    frame.kind = .cutBeforePorts
    frame.flags |= Flag.snapped
    frame.transportOffset = 0
    frame.transportLength = 0
    return frame
  }

  /// LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2: bytes, and where the protocol field is.
  private enum Cooked { static let size = 16, protocolType = 14, size2 = 20, protocolType2 = 0 }
  /// LINKTYPE_NULL: bytes, and AF_INET and AF_INET6 as the systems that write it number them.
  private enum Loopback {
    static let size = 4
    static let inet: UInt32 = 2
    static let inet6NetBSD: UInt32 = 24, inet6FreeBSD: UInt32 = 28, inet6Darwin: UInt32 = 30,
      inet6Linux: UInt32 = 10
  }
}
