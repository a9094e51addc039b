import Dataplane

/// A packet in its block: where its bytes lie, and what the block says of it.
///
/// Enhanced Packet Block, draft-ietf-opsawg-pcapng §4.3; the obsolete Packet Block has 16 bits of interface
/// and 16 of drops in place of the first word.
///
///     |                         Interface ID                          |
///     |                      Timestamp (upper)                        |
///     |                      Timestamp (lower)                        |
///     |                    Captured packet length                     |
///     |                    Original packet length                     |
///     |                    Packet data, padded to 4                   |
///     |                            Options                            |
///
/// Simple Packet Block, §4.4: of the section's first interface, without time.
///
///     |                    Original packet length                     |
///     |                    Packet data, padded to 4                   |
struct PcapngPacket {
  /// Bytes of the whole block.
  let blockLength: Int
  /// Where the packet begins in the block.
  let offset: Int
  let interface: Int
  /// In units of the interface; nil where the block has no time.
  let ticks: UInt64?
  private(set) var captured: UInt32
  let original: UInt32
  private let isSimple: Bool

  /// - Returns: nil where no whole block of a packet lies, or one that contradicts itself.
  /// - Safety: `available` bytes are readable at `place`.
  @unsafe @inline(__always) init?(_ place: UnsafeRawPointer, available: Int, _ order: PcapngOrder) {
    guard available >= PcapngBlock.smallest,
      let kind = PcapngBlock.Kind(rawValue: unsafe order.word(place, 0))
    else { return nil }
    let length = unsafe order.word(place, 4)
    guard kind != .section, kind != .interface, Int(length) <= available, length % 4 == 0,
      length >= (kind == .simplePacket ? Layout.simpleLeast : Layout.least), length <= PcapngBlock.largest,
      unsafe order.word(place, Int(length) - 4) == length
    else { return nil }
    let fields = unsafe Fields(place, PcapngBlock(kind: kind, length: Int(length)), order)
    blockLength = Int(length)
    offset = fields.offset
    interface = fields.interface
    ticks = fields.ticks
    captured = fields.captured
    original = fields.original
    isSimple = kind == .simplePacket
  }

  /// The packet with what was kept of it. A Simple Packet Block does not say how much: at most the
  /// interface's snap length.
  ///
  /// - Returns: nil when that is more than a packet may have, or the block has.
  @inline(__always) func snapped(to snapLength: UInt32) -> PcapngPacket? {
    var packet = self
    if isSimple { packet.captured = min(captured, snapLength) }
    let fits =
      packet.captured <= CaptureHeader.largestPacket && Int(packet.captured) <= blockLength - 4 - offset
    return fits ? packet : nil
  }

  /// The fields as they stand there, not yet believed.
  struct Fields {
    let interface: Int
    let ticks: UInt64?
    let captured, original: UInt32
    let offset: Int

    /// - Safety: the whole block of a packet, of the least length at least, is readable at `place`.
    @unsafe @inline(__always) init(_ place: UnsafeRawPointer, _ block: PcapngBlock, _ order: PcapngOrder) {
      if block.kind == .simplePacket {
        interface = 0
        ticks = nil
        unsafe original = order.word(place, 8)
        captured = original
        offset = Layout.simpleData
        return
      }
      unsafe interface =
        block.kind == .packet ? Int(order.half(place, 8)) : Int(order.word(place, 8))
      unsafe ticks = UInt64(order.word(place, 12)) << 32 | UInt64(order.word(place, 16))
      unsafe captured = order.word(place, 20)
      unsafe original = order.word(place, 24)
      offset = Layout.data
    }
  }

  private enum Layout {
    static let data = 28, simpleData = 12
    static let least: UInt32 = 32, simpleLeast: UInt32 = 16
  }
}
