extension Frame {
  /// An IPv4 packet at ``networkOffset``.
  @inline(__always)
  func ipv4(_ bytes: RawSpan, original: Int) throws(DropReason) -> Frame {
    var frame = self
    frame.family = 4
    let offset = Int(networkOffset)
    let packet = bytes.extracting(droppingFirst: offset)
    guard packet.byteCount >= IPv4Header.size else {
      return try frame.cut(before: IPv4Header.size, original: original, else: .truncatedIPv4)
    }
    let header = try IPv4Header(parsing: packet, originalLength: original - offset)
    let headerLength = header.headerLength
    frame.ipProtocol = header.protocolNumber
    frame.transportOffset = UInt16(truncatingIfNeeded: offset + headerLength)
    frame.transportLength = UInt32(
      truncatingIfNeeded: header.length(within: original - offset) - headerLength)
    if header.isFragment { return try frame.ipv4Fragment(bytes) }
    return try frame.transport(bytes, isFirstFragment: false)
  }

  /// A first or later fragment. RFC 791 §3.2.
  @inline(never)
  private func ipv4Fragment(_ bytes: RawSpan) throws(DropReason) -> Frame {
    let header = IPv4Header(parsedBefore: bytes.extracting(droppingFirst: Int(networkOffset)))
    return try fragment(bytes, at: header.fragmentOffset)
  }

  /// A fragment of either family whose payload stands at `offset` of its datagram.
  func fragment(_ bytes: RawSpan, at offset: Int) throws(DropReason) -> Frame {
    guard offset + Int(transportLength) <= Self.largestDatagram else { throw .badFragmentOffset }
    var frame = self
    if offset == 0 {
      frame.flags |= Flag.firstFragment
      return try frame.transport(bytes, isFirstFragment: true)
    }
    frame.kind = .laterFragment
    frame.flags |= Flag.laterFragment
    if frame.isPayloadCut(bytes) { frame.flags |= Flag.snapped }
    frame.transportOffset = 0
    return frame
  }

  /// The most payload that 16-bit lengths can describe. RFC 791 §3.1, RFC 8200 §4.5.
  static let largestDatagram = 65_535
}
