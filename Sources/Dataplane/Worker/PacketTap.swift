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

  /// Looks at a burst that has its final verdicts.
  func see(_ burst: borrowing PacketBurst, _ outcome: borrowing BurstOutcome) {
    for index in 0..<burst.count {
      let verdict = outcome.verdicts[index]
      // They come again: at their owner, or when their first fragment is there.
      if verdict.kind == .handOff || verdict.kind == .hold { continue }
      if selection.isDroppedOnly {
        guard verdict.kind == .drop, selection.reason.map({ $0 == verdict.reason }) ?? true else { continue }
      }
      let packet = unsafe burst.descriptor(index)
      let arrives = unsafe selection.sees.arriving && isWanted(packet.lif)
      let isSent = verdict.kind.isSent && verdict.outLIF != 0
      let leaves = selection.sees.leaving && isSent && isWanted(verdict.outLIF)
      guard arrives || leaves, selection.filters.allSatisfy({ unsafe $0.accepts(packet) }) else { continue }
      if arrives { unsafe keep(packet, verdict, lif: packet.lif, isLeaving: false) }
      if leaves { unsafe keep(packet, verdict, lif: verdict.outLIF, isLeaving: true) }
    }
  }

  private func isWanted(_ lif: UInt16) -> Bool { selection.lif.map { $0 == lif } ?? true }

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
  /// Shows captures a burst that has been sent, and so has its final verdicts.
  @inline(never)
  mutating func show(_ burst: borrowing PacketBurst) { for tap in taps { tap.see(burst, outcome) } }
}
