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
    if header.isFragment { return try frame.fragment(bytes, original: original) }
    return try frame.transport(bytes, isFirstFragment: false)
  }
}
