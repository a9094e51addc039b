/// What the chain of IPv6 extension headers says: where the upper layer begins and what it is. RFC 8200 §4.
///
/// Hop-by-hop, routing, destination options, fragment and authentication headers are walked; anything
/// else, ESP included, is the upper layer. Their contents are not interpreted but for the fragment header
/// and the jumbo payload option (RFC 2675).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |  Next Header  |  Hdr Ext Len  |      Options or type-specific |
///     +---------------+---------------+-------------------------------+
///
///     +---------------+---------------+-------------------------+---+-+
///     |  Next Header  |   Reserved    |     Fragment Offset     |Res|M|
///     +---------------+---------------+-------------------------+---+-+
///     |                         Identification                        |
///     +---------------------------------------------------------------+
public struct IPv6ExtensionHeaders: BitwiseCopyable, Sendable {
  /// Ours: the longest chain accepted. RFC 8504 §5.3 lets a node limit it; honest packets have at most four.
  public static let maximumCount = 16

  /// What the fragment header, if any, makes of this packet.
  public enum Fragment: UInt8, Sendable, BitwiseCopyable {
    /// Unfragmented, or an atomic fragment (RFC 6946).
    case none
    /// Offset 0 and more to come.
    case first
    /// Offset not 0: the payload is not the start of an upper layer.
    case later
  }

  /// The upper layer's number; for a later fragment the fragment header's next header.
  public private(set) var upperProtocol: UInt8
  /// Bytes from the end of the IPv6 header to the upper layer, or to a later fragment's payload.
  public private(set) var length = 0
  public private(set) var fragment = Fragment.none
  /// Position of a fragment's payload in the fragmentable part, in bytes.
  public private(set) var fragmentOffset = 0
  /// The fragment header's identification, 0 without one.
  public private(set) var identification: UInt32 = 0
  /// Whether the fragment header says that more fragments follow.
  public private(set) var hasMoreFragments = false
  /// Bytes from the end of the IPv6 header to the end of the fragment header: a fragment's payload begins
  /// there, and in the first one it may begin with more of the chain.
  public private(set) var fragmentPayloadOffset = 0
  /// Whether the capture ended inside the chain: ``upperProtocol`` is then the header that was cut.
  public private(set) var isCut = false
  public private(set) var hasJumboPayload = false
  /// Nodes that a routing header still names, the most where there are several; 0 without one.
  public private(set) var segmentsLeft: UInt8 = 0
  /// Whether there is a fragment header, also that of an atomic fragment.
  public var hasFragmentHeader: Bool { fragmentPayloadOffset > 0 }

  /// Walks the chain at the start of `bytes`, the captured part of an IPv6 payload of `originalLength` bytes.
  ///
  /// `first` is the IPv6 header's next header field.
  ///
  /// The walk ends at a later fragment's payload, and before a fragment header inside a first fragment.
  ///
  /// - Throws: `.truncatedIPv6ExtensionHeader` and `.badAHLength` for headers beyond `originalLength`, or
  ///   `.firstFragmentTooShort` in a first fragment (RFC 7112); `.misplacedHopByHopOptions`;
  ///   `.tooManyIPv6ExtensionHeaders`.
  public init(parsing bytes: RawSpan, first: UInt8, originalLength: Int) throws(DropReason) {
    upperProtocol = first
    var count = 0
    while Self.isExtension(upperProtocol), fragment != .later {
      if fragment == .first, upperProtocol == IPProtocol.fragment { return }
      guard count < Self.maximumCount else { throw .tooManyIPv6ExtensionHeaders }
      guard upperProtocol != IPProtocol.hopByHopOptions || count == 0 else { throw .misplacedHopByHopOptions }
      try step(bytes.extracting(droppingFirst: length), originalLength: originalLength - length)
      if isCut { return }
      count += 1
    }
  }

  /// Passes one header at the start of `bytes`, of which `originalLength` bytes were on the wire.
  private mutating func step(_ bytes: RawSpan, originalLength: Int) throws(DropReason) {
    let isAuthentication = upperProtocol == IPProtocol.authentication
    let minimum = isAuthentication ? AuthenticationHeader.size : Self.unit
    guard originalLength >= minimum else {
      throw beyondEnd(isAuthentication ? .badAHLength : .truncatedIPv6ExtensionHeader)
    }
    guard bytes.byteCount >= minimum else {
      isCut = true
      return
    }
    var headerLength = Self.unit
    switch upperProtocol {
    case IPProtocol.authentication:
      headerLength = try AuthenticationHeader(parsing: bytes, originalLength: originalLength).headerLength
    case IPProtocol.fragment:
      readFragment(bytes)
    default:
      headerLength = (Int(bytes.loadByte(at: Field.length)) + 1) * Self.unit
      guard headerLength <= originalLength else { throw beyondEnd(.truncatedIPv6ExtensionHeader) }
      if upperProtocol == IPProtocol.routing {
        segmentsLeft = max(segmentsLeft, bytes.loadByte(at: Field.segmentsLeft))
      }
      if upperProtocol == IPProtocol.hopByHopOptions { readOptions(bytes.extracting(first: headerLength)) }
    }
    if upperProtocol == IPProtocol.fragment { fragmentPayloadOffset = length + headerLength }
    upperProtocol = bytes.loadByte(at: Field.nextHeader)
    length += headerLength
  }

  /// A chain that runs beyond a first fragment is another thing than one that runs beyond its packet.
  private func beyondEnd(_ reason: DropReason) -> DropReason {
    fragment == .first ? .firstFragmentTooShort : reason
  }

  private mutating func readFragment(_ bytes: RawSpan) {
    let word: UInt16 = bytes.loadBigEndian(at: Field.fragmentOffset)
    fragmentOffset = Int(word & 0xFFF8)
    fragment = fragmentOffset != 0 ? .later : word & 1 != 0 ? .first : .none
    hasMoreFragments = word & 1 != 0
    identification = bytes.loadBigEndian(at: Field.identification)
  }

  /// Looks for the jumbo payload option; options that overrun their header end the search.
  private mutating func readOptions(_ header: RawSpan) {
    var offset = 2
    while offset < header.byteCount {
      let type = header.loadByte(at: offset)
      if type == Option.pad1 {
        offset += 1
        continue
      }
      guard offset + 2 <= header.byteCount else { return }
      let length = Int(header.loadByte(at: offset + 1))
      if type == Option.jumboPayload, length == 4 { hasJumboPayload = true }
      offset += 2 + length
    }
  }

  /// Bytes of a fragment header.
  public static let fragmentSize = 8

  /// Writes a fragment header of 8 bytes at `offset`. RFC 8200 §4.5.
  ///
  /// - Precondition: 8 bytes of room at `offset`; `fragmentOffset` is a multiple of 8 below 65536.
  @_lifetime(bytes: copy bytes)
  public static func writeFragment(
    nextHeader: UInt8, fragmentOffset: Int, moreFragments: Bool, identification: UInt32,
    into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(
      fragmentOffset >= 0 && fragmentOffset <= 0xFFF8 && fragmentOffset & 7 == 0, "counted in 8 bytes")
    bytes.storeBigEndian(UInt16(nextHeader) << 8, at: offset + Field.nextHeader)
    bytes.storeBigEndian(UInt16(fragmentOffset) | (moreFragments ? 1 : 0), at: offset + Field.fragmentOffset)
    bytes.storeBigEndian(identification, at: offset + Field.identification)
  }

  private static func isExtension(_ number: UInt8) -> Bool {
    switch number {
    case IPProtocol.hopByHopOptions, IPProtocol.routing, IPProtocol.fragment, IPProtocol.authentication,
      IPProtocol.destinationOptions:
      true
    default: false
    }
  }

  /// The unit of the length field, and the least length of every header but AH. RFC 8200 §4.3.
  private static let unit = 8
  private enum Field {
    static let nextHeader = 0, length = 1, fragmentOffset = 2, segmentsLeft = 3, identification = 4
  }
  private enum Option { static let pad1: UInt8 = 0, jumboPayload: UInt8 = 0xC2 }
}
