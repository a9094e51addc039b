import Dataplane

/// Finds the packets among the blocks of a pcapng capture. draft-ietf-opsawg-pcapng.
///
/// Sections and interfaces are noted, packets described, all other blocks passed over.
final class PcapngRecords {
  var interfaces = PcapngInterfaces()
  private var order = PcapngOrder()
  /// Time of the packet before, which a Simple Packet Block without one takes over.
  private var lastTime: UInt64 = 0
  /// Length of a block that was passed over without its end.
  private var passed: Int?

  /// Begins anew at the first block. Interfaces stay known.
  func rewind() {
    interfaces.beginSection()
    order = PcapngOrder()
    lastTime = 0
    passed = nil
  }

  /// By how much the block that a fault is in begins before the place that is looked at.
  var bytesPassed: Int { passed.map { $0 - Self.lengthSize } ?? 0 }

  private static let lengthSize = 4

  // MARK: Blocks

  /// - Safety: `available` bytes are readable at `place`; so below.
  @unsafe func look(_ place: UnsafeRawPointer, available: Int) -> RecordFinding {
    if let passed { return unsafe lookAtEnd(place, available: available, passed) }
    guard available >= PcapngBlock.smallest else { return .needs(PcapngBlock.smallest) }
    let type = unsafe order.word(place, 0)
    let kind = PcapngBlock.Kind(rawValue: type)
    if kind == .section, let found = unsafe lookAtSection(place) { return found }
    let length = unsafe order.word(place, 4)
    if let fault = PcapngBlock.fault(ofLength: length, kind) { return .bad(.corrupt, fault) }
    let block = PcapngBlock(kind: kind, length: Int(length))
    guard block.length <= available else {
      if block.isRead { return .needs(block.length) }
      if kind == .section, let found = unsafe version(place, available: available) { return found }
      if kind == .section { beginSection() }
      passed = block.length
      return .pass(block.length - Self.lengthSize)
    }
    let end = unsafe order.word(place, block.length - Self.lengthSize)
    guard end == length else { return .bad(.corrupt, Self.contradiction(length, end)) }
    switch kind {
    case .section:
      if let found = unsafe version(place, available: available) { return found }
      beginSection()
      return .pass(block.length)
    case .interface: return unsafe lookAtInterface(place, block)
    case .packet, .simplePacket, .enhancedPacket:
      if unsafe packet(at: place, available: available) != nil { return .packet }
      return .bad(.corrupt, unsafe fault(ofPacket: place, block))
    case nil: return .pass(block.length)
    }
  }

  /// The end of a block that was passed over: the length once more.
  @unsafe private func lookAtEnd(
    _ place: UnsafeRawPointer, available: Int, _ length: Int
  ) -> RecordFinding {
    guard available >= Self.lengthSize else { return .needs(Self.lengthSize) }
    let end = unsafe order.word(place, 0)
    guard Int(end) == length else { return .bad(.corrupt, Self.contradiction(UInt32(length), end)) }
    passed = nil
    return .pass(Self.lengthSize)
  }

  private static func contradiction(_ length: UInt32, _ end: UInt32) -> String {
    "a block has \(length) bytes by its beginning and \(end) by its end"
  }

  /// The byte order of a section. It counts from here on: the block's own length is written in it.
  @unsafe private func lookAtSection(_ place: UnsafeRawPointer) -> RecordFinding? {
    switch unsafe place.loadUnaligned(fromByteOffset: PcapngBlock.bodyOffset, as: UInt32.self) {
    case PcapngOrder.magic: order.isSwapped = false
    case PcapngOrder.magic.byteSwapped: order.isSwapped = true
    case let other:
      return .bad(
        .corrupt, "a section's byte-order magic is 0x\(String(other.bigEndian, radix: 16)), not 0x1a2b3c4d")
    }
    return nil
  }

  @unsafe private func version(_ place: UnsafeRawPointer, available: Int) -> RecordFinding? {
    let offset = PcapngBlock.bodyOffset + 4
    guard available >= offset + 2 else { return .needs(offset + 2) }
    let major = unsafe order.half(place, offset)
    return major == 1 ? nil : .bad(.notACapture, "pcapng version \(major), only version 1 is known")
  }

  private func beginSection() { interfaces.beginSection() }

  @unsafe private func lookAtInterface(_ place: UnsafeRawPointer, _ block: PcapngBlock) -> RecordFinding {
    // SAFETY: the block is whole, at least 20 bytes.
    let body = unsafe UnsafeRawBufferPointer(
      start: place + PcapngBlock.bodyOffset, count: block.length - PcapngBlock.smallest)
    do throws(CaptureInterface.Refusal) {
      let interface = try CaptureInterface(parsing: unsafe body.bytes, isSwapped: order.isSwapped)
      if let fault = interfaces.note(interface) { return .bad(.corrupt, fault) }
    } catch {
      return .bad(.corrupt, error.message)
    }
    return .pass(block.length)
  }

  // MARK: Packets

  /// Moves the cursor behind the packets from it on, to find what stands between packets.
  ///
  /// - Safety: as for `fill`.
  @unsafe func passPackets(_ cursor: inout RecordCursor) {
    let (start, end) = unsafe (cursor.start, cursor.end)
    var position = unsafe cursor.position
    while let packet = unsafe packet(at: start + position, available: end - position) {
      position += packet.blockLength
    }
    unsafe cursor.position = position
  }

  /// The capture time of the whole packet at `place`.
  @unsafe func time(_ place: UnsafeRawPointer, available: Int) -> UInt64 {
    unsafe packet(at: place, available: available).map { time($0) } ?? lastTime
  }

  private func time(_ packet: PcapngPacket) -> UInt64 {
    packet.ticks.map { interfaces.section[packet.interface].interface.resolution.nanoseconds($0) } ?? lastTime
  }

  /// The packet of the block at `place`; nil where there is no whole and sound one.
  @unsafe @inline(__always) private func packet(at place: UnsafeRawPointer, available: Int) -> PcapngPacket? {
    guard let packet = unsafe PcapngPacket(place, available: available, order),
      packet.interface < interfaces.section.count
    else { return nil }
    return packet.snapped(to: interfaces.section[packet.interface].interface.snapLength)
  }

  /// Describes the packets from the cursor on in `places`, and moves the cursor behind them.
  ///
  /// - Returns: how many; stops before a block that is no whole and sound packet.
  /// - Safety: bytes up to the cursor's end are readable.
  @unsafe func fill(
    _ places: UnsafeMutableBufferPointer<PacketDescriptor>, _ cursor: inout RecordCursor,
    _ clock: inout ReplayClock
  ) -> Int {
    let (start, end) = unsafe (cursor.start, cursor.end)
    var position = unsafe cursor.position
    var count = 0
    while count < places.count,
      let packet = unsafe packet(at: start + position, available: end - position)
    {
      // SAFETY: the packet lies inside its block, and that before the end.
      unsafe places[count] = describe(packet, start + position, &clock)
      position += packet.blockLength
      count += 1
    }
    unsafe cursor.position = position
    return count
  }

  /// An original length below the captured one is not believed.
  @unsafe @inline(__always) private func describe(
    _ packet: PcapngPacket, _ place: UnsafeRawPointer, _ clock: inout ReplayClock
  ) -> PacketDescriptor {
    let entry = interfaces.section[packet.interface]
    let time = time(packet)
    lastTime = time
    var original = max(packet.original, packet.captured)
    var kept = packet.captured
    let checkSequence = entry.interface.checkSequenceLength
    if checkSequence != 0 {
      original -= min(original, checkSequence)
      kept = min(kept, original)
    }
    return unsafe PacketDescriptor(
      start: place + packet.offset, capturedLength: kept, originalLength: original,
      time: clock.advance(to: time), captureTime: time, sequence: clock.nextSequence(),
      lif: entry.arrival.lif, port: entry.arrival.port, link: entry.link)
  }

  // MARK: Faults

  /// What is wrong with the packet of a whole block.
  @unsafe private func fault(ofPacket place: UnsafeRawPointer, _ block: PcapngBlock) -> String {
    let fields = unsafe PcapngPacket.Fields(place, block, order)
    if fields.interface >= interfaces.section.count {
      return "a packet of interface \(fields.interface), but its section describes "
        + "\(interfaces.section.count) before it"
    }
    if fields.captured > CaptureHeader.largestPacket {
      return "a packet claims \(fields.captured) captured bytes, "
        + "more than the limit of \(CaptureHeader.largestPacket)"
    }
    return "a packet claims \(fields.captured) captured bytes, more than its block of \(block.length) holds"
  }

  /// Why the block at `place` is not whole where the file ends after `available` bytes; nil between blocks.
  @unsafe func cut(_ place: UnsafeRawPointer, available: Int) -> String? {
    if let passed { return "the file ends within a block of \(passed) bytes" }
    if available == 0 { return nil }
    guard available >= PcapngBlock.smallest else {
      return "the file ends within a block's header: \(available) of \(PcapngBlock.smallest) bytes"
    }
    return unsafe "the file ends within a block: \(available) of \(order.word(place, 4)) bytes"
  }
}
