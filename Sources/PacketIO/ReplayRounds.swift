package import Dataplane

/// Arithmetic of a capture that is replayed several times: by how much each round's times are shifted.
///
/// A round begins one gap after the last one's end. The gap is the mean distance of the first round's
/// packets, in whole microseconds and at least one, so that captures of microseconds stay exact.
package struct ReplayRounds: Sendable {
  /// What follows a round.
  package enum Next: Equatable { case another, end, pastTheEndOfTime }

  /// Rounds to replay; nil for no end.
  private let total: UInt64?
  /// The round's position, from 0.
  package private(set) var index: UInt64 = 0
  /// Nanoseconds added to capture times in this round.
  package private(set) var shift: UInt64 = 0
  /// Nanoseconds from one round's beginning to the next one's; nil before the first has ended.
  private var period: UInt64?

  package init(total: UInt64?) { self.total = total }

  private static let microsecond: UInt64 = 1000

  /// Moves on to the next round.
  ///
  /// - Parameters:
  ///   - start, end: times of the capture's first and last packet, without the shift.
  ///   - packets: how many packets the round had; without any there is no other round.
  package mutating func next(start: PacketTime, end: PacketTime, packets: UInt64) -> Next {
    guard packets > 0, total.map({ index + 1 < $0 }) ?? true else { return .end }
    let period = self.period ?? Self.period(end.nanoseconds - start.nanoseconds, packets)
    self.period = period
    let (shift, overflow) = self.shift.addingReportingOverflow(period)
    guard !overflow, !end.nanoseconds.addingReportingOverflow(shift).overflow else {
      return .pastTheEndOfTime
    }
    self.shift = shift
    index += 1
    return .another
  }

  /// The capture time of a packet in this round; saturates.
  func shifted(_ captureTime: UInt64) -> UInt64 {
    PacketTime(nanoseconds: captureTime).advanced(by: shift).nanoseconds
  }

  private static func period(_ length: UInt64, _ packets: UInt64) -> UInt64 {
    let steps = max(packets - 1, 1).multipliedReportingOverflow(by: microsecond).partialValue
    let (quotient, rest) = length.quotientAndRemainder(dividingBy: max(steps, 1))
    let gap = max(quotient + (rest > 0 ? 1 : 0), 1).multipliedReportingOverflow(by: microsecond)
    let (sum, overflow) = length.addingReportingOverflow(gap.partialValue)
    return overflow || gap.overflow ? .max : sum
  }
}
