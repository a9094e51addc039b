extension Frame {
  /// An IPv6 packet at ``networkOffset``.
  @inline(__always)
  func ipv6(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    var frame = self
    frame.family = 6
    let offset = Int(networkOffset)
    let packet = bytes.extracting(droppingFirst: offset)
    guard packet.byteCount >= IPv6Header.size else {
      return try frame.cut(before: IPv6Header.size, original: original, else: .truncatedIPv6)
    }
    let header = try IPv6Header(parsing: packet, originalLength: original - offset)
    frame.ipProtocol = header.nextHeader
    frame.transportOffset = UInt16(truncatingIfNeeded: offset + IPv6Header.size)
    frame.transportLength = UInt32(header.payloadLength)
    if header.nextHeader == IPProtocol.tcp || header.nextHeader == IPProtocol.udp {
      return try frame.transport(bytes, isFirstFragment: false)
    }
    return try frame.ipv6Extensions(bytes, original: original)
  }

  /// Passes the extension headers, if any. RFC 8200 §4.
  @inline(never)
  private func ipv6Extensions(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    var frame = self
    let isJumbo = IPv6Header(parsedBefore: bytes.extracting(droppingFirst: Int(networkOffset))).mayBeJumbogram
    if isJumbo { frame.transportLength = UInt32(truncatingIfNeeded: original - Int(transportOffset)) }
    let payload = bytes.extracting(droppingFirst: Int(transportOffset))
    let chain = try IPv6ExtensionHeaders(
      parsing: payload, first: ipProtocol, originalLength: Int(frame.transportLength))
    frame.ipProtocol = chain.upperProtocol
    if chain.isCut {
      if chain.fragment == .first { return try frame.fragment(bytes, original: original, isCut: true) }
      return frame.cutInChain()
    }
    guard !isJumbo || chain.hasJumboPayload else { throw .badIPv6PayloadLength }
    frame.transportOffset += UInt16(truncatingIfNeeded: chain.length)
    frame.transportLength -= UInt32(truncatingIfNeeded: chain.length)
    if chain.fragment != .none { return try frame.fragment(bytes, original: original) }
    return try frame.transport(bytes, isFirstFragment: false)
  }

  /// The capture ended inside the extension headers.
  func cutInChain() -> Frame {
    var frame = self
    frame.kind = .cutBeforePorts
    frame.flags |= Flag.snapped
    frame.transportOffset = 0
    frame.transportLength = 0
    return frame
  }
}
