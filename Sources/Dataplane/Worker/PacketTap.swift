/// What tells packets apart by their bytes; a subclass knows how. Immutable.
open class PacketSelector: @unchecked Sendable {
  // SAFETY (@unchecked): subclasses are immutable too.
  public init() {}

  /// - Safety: the descriptor's bytes are readable.
  @unsafe open func accepts(_ packet: PacketDescriptor) -> Bool { true }
}

/// What a capture sees of one worker: packets that it asks for are copied to its ring as they get their
/// verdicts.
public final class PacketTap: Sendable {
  /// Which packets.
  package struct Selection: Sendable {
    /// The LIF number of a port; nil for all of them.
    package var lif: UInt16?
    /// Packets as they arrive, and as they leave.
    package var sees = (arriving: true, leaving: false)
    /// Dropped packets only, with a reason for this reason only.
    package var isDroppedOnly = false
    package var reason: DropReason?
    /// All of which must accept a packet.
    package var filters: [PacketSelector] = []
    /// Bytes of a packet that are kept, 1...65,535.
    package var snapLength: UInt32 = 65_535

    package init() {}
  }

  package let ring = TapRing()
  private let selection: Selection

  package init(_ selection: Selection) { self.selection = selection }

  /// Looks at a burst that has its final verdicts, and what was sent beside it.
  ///
  /// - Parameters:
  ///   - arrivals: its packets as they arrived.
  ///   - time: of what was sent beside it.
  func see(
    _ burst: borrowing PacketBurst, as arrivals: borrowing PacketBurst, _ outcome: borrowing BurstOutcome,
    at time: PacketTime
  ) {
    for index in 0..<burst.count {
      let verdict = outcome.verdicts[index]
      guard isFinal(verdict), isSelected(verdict) else { continue }
      if selection.sees.arriving { unsafe keep(arrivals.descriptor(index), verdict, leavingBy: nil) }
      if selection.sees.leaving, verdict.kind.isSent, verdict.outLIF != 0 {
        unsafe keep(burst.descriptor(index), verdict, leavingBy: verdict.outLIF)
      }
    }
    guard selection.sees.leaving, !selection.isDroppedOnly else { return }
    for index in 0..<outcome.copyCount {
      let copy = outcome.copies[index]
      // Copies for next hops are not the session's packets.
      guard copy.origin != .copy, !copy.failed else { continue }
      let bytes = outcome.pool.bytes(copy.buffer)
      unsafe PacketDescriptor.with(bytes, time: time, lif: 0) { packet in
        unsafe keep(packet, Verdict(copy.kind), leavingBy: copy.outLIF)
      }
    }
  }

  /// Looks at a packet that is dropped after it has waited for its next hop, as it would have left.
  func see(dropped bytes: RawSpan, for reason: DropReason, from lif: UInt16, at time: PacketTime) {
    // All others have seen it arrive.
    guard selection.isDroppedOnly, selection.sees.arriving, isSelected(.drop(reason)) else { return }
    unsafe PacketDescriptor.with(bytes, time: time, lif: lif) { packet in
      unsafe keep(packet, .drop(reason), leavingBy: nil)
    }
  }

  /// Whether a packet does not come again, at its owner or when its first fragment is there. One that waits
  /// for its next hop does not: it has a port to leave by.
  private func isFinal(_ verdict: Verdict) -> Bool {
    verdict.kind != .handOff && (verdict.kind != .hold || verdict.outLIF != 0)
  }

  private func isSelected(_ verdict: Verdict) -> Bool {
    guard selection.isDroppedOnly else { return true }
    return verdict.kind == .drop && selection.reason.map { $0 == verdict.reason } ?? true
  }

  /// Keeps a packet if its port and its bytes are wanted.
  private func keep(_ packet: PacketDescriptor, _ verdict: Verdict, leavingBy out: UInt16?) {
    let lif = unsafe out ?? packet.lif
    guard selection.lif.map({ $0 == lif }) ?? true,
      selection.filters.allSatisfy({ unsafe $0.accepts(packet) })
    else { return }
    unsafe keep(packet, verdict, lif: lif, isLeaving: out != nil)
  }

  private func keep(_ packet: PacketDescriptor, _ verdict: Verdict, lif: UInt16, isLeaving: Bool) {
    var header = TapRing.Header()
    unsafe header.time = packet.time
    unsafe header.originalLength = packet.originalLength
    unsafe header.length = min(packet.capturedLength, selection.snapLength)
    unsafe header.link = packet.link
    header.lif = lif
    header.isLeaving = isLeaving
    header.verdict = verdict.kind
    header.reason = verdict.reason
    // SAFETY: a packet of a burst is readable until the burst is over.
    unsafe ring.push(header, packet.start)
  }
}

extension Worker {
  /// Keeps a burst's packets as they arrived, before any is changed.
  @inline(never)
  mutating func noteArrivals(_ burst: borrowing PacketBurst) { arrivals.become(burst) }

  /// Shows captures a burst that has been sent, and so has its final verdicts.
  @inline(never)
  mutating func show(_ burst: borrowing PacketBurst) {
    for tap in taps { tap.see(burst, as: arrivals, outcome, at: time) }
  }

  /// Shows captures a packet that has waited in vain, in a buffer that is still its own.
  @inline(never)
  func showDropped(_ buffer: PacketBuffer, for reason: DropReason, at position: Int) {
    let bytes = outcome.pool.bytes(buffer)
    for tap in taps { tap.see(dropped: bytes, for: reason, from: ports[position].lif, at: time) }
  }
}

extension PacketDescriptor {
  /// Calls `body` with the descriptor of a whole Ethernet frame that no port has received.
  fileprivate static func with(_ bytes: RawSpan, time: PacketTime, lif: UInt16, _ body: (Self) -> Void) {
    unsafe bytes.withUnsafeBytes { bytes in
      // SAFETY: the bytes stay for the call.
      guard let start = bytes.baseAddress else { return }
      unsafe body(
        PacketDescriptor(
          start: start, capturedLength: UInt32(bytes.count), originalLength: UInt32(bytes.count), time: time,
          captureTime: 0, sequence: 0, lif: lif, port: 0, link: .ethernet))
    }
  }
}
