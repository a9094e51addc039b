// What a router changes about a header. RFC 1812 §5.3, RFC 8200 §3.

extension IPv4Header {
  /// Takes one from the time to live of the header at `offset`, and changes its checksum by as much. RFC
  /// 1624.
  ///
  /// - Precondition: a header at `offset` whose time to live is not 0.
  @_lifetime(bytes: copy bytes)
  package static func decrementTimeToLive(in bytes: inout MutableRawSpan, at offset: Int) {
    let old: UInt16 = bytes.bytes.loadBigEndian(at: offset + 8)
    let new = old - 0x0100
    let checksum: UInt16 = bytes.bytes.loadBigEndian(at: offset + 10)
    bytes.storeBigEndian(new, at: offset + 8)
    bytes.storeBigEndian(Checksum.adjusted(checksum, from: old, to: new), at: offset + 10)
  }

  /// Makes the header at `offset` that of a fragment. RFC 791 §3.2.
  ///
  /// Of a later one, options that are not to be copied become "no operation".
  ///
  /// - Parameter position: of its payload in the datagram, in bytes: a multiple of 8.
  @_lifetime(bytes: copy bytes)
  static func makeFragment(
    position: Int, totalLength: Int, moreFollow: Bool, isLater: Bool, in bytes: inout MutableRawSpan,
    at offset: Int
  ) {
    let size = Int(bytes.bytes.loadByte(at: offset) & 0x0F) * 4
    if isLater { dropOptions(in: &bytes, at: offset, until: offset + size) }
    bytes.storeBigEndian(UInt16(truncatingIfNeeded: totalLength), at: offset + 2)
    bytes.storeBigEndian(
      (moreFollow ? 0x2000 : 0) | UInt16(truncatingIfNeeded: position >> 3), at: offset + 6)
    bytes.storeBigEndian(UInt16(0), at: offset + 10)
    let checksum = Checksum.of(bytes.bytes.extracting(offset..<offset + size))
    bytes.storeBigEndian(checksum, at: offset + 10)
  }

  @_lifetime(bytes: copy bytes)
  private static func dropOptions(in bytes: inout MutableRawSpan, at offset: Int, until end: Int) {
    var place = offset + Self.size
    while place < end {
      let type = bytes.bytes.loadByte(at: place)
      if type == 0 { return }
      let length = type == 1 || place + 1 == end ? 1 : max(Int(bytes.bytes.loadByte(at: place + 1)), 1)
      let next = min(place + length, end)
      if type & 0x80 == 0 { for each in place..<next { bytes.storeBigEndian(UInt8(1), at: each) } }
      place = next
    }
  }
}

extension IPv6Header {
  /// Takes one from the hop limit of the header at `offset`.
  ///
  /// - Precondition: a header at `offset` whose hop limit is not 0.
  @_lifetime(bytes: copy bytes)
  package static func decrementHopLimit(in bytes: inout MutableRawSpan, at offset: Int) {
    bytes.storeBigEndian(bytes.bytes.loadByte(at: offset + 7) - 1, at: offset + 7)
  }
}
