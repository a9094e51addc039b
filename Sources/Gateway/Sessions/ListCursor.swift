/// Where a list goes on: a place in a worker's records, or among the records of closed sessions. Sessions
/// keep their places, so that others may come and go.
struct ListCursor: Equatable {
  enum Stage: Equatable {
    case live(worker: Int, record: UInt32)
    case closed(position: UInt64)
  }

  var filter: SessionService.Filter
  var stage: Stage

  /// Between cursors and the numbers that clients send back: bit 63, fifteen bits of a keyed checksum, so
  /// that a number that we did not give out is known as such, and 48 bits of the place.
  ///
  ///      63  62      48 47    45  44   43                              0
  ///     | 1 | checksum | filter | 0 | worker (bits 37...32), record      |
  ///     | 1 | checksum | filter | 1 | position                          |
  struct Code {
    let secret: UInt64
    let workers: Int

    private static let payloadBits: UInt64 = 48
    private static let closedBit: UInt64 = 1 << 44
    private static let positionMask: UInt64 = closedBit - 1
    private static let flag: UInt64 = 1 << 63

    func number(of cursor: ListCursor) -> UInt64 {
      var payload = UInt64(cursor.filter.rawValue) << 45
      switch cursor.stage {
      case .live(let worker, let record): payload |= UInt64(worker) << 32 | UInt64(record)
      case .closed(let position): payload |= Self.closedBit | position & Self.positionMask
      }
      return Self.flag | checksum(payload) << Self.payloadBits | payload
    }

    /// The cursor of a number; nil when it is none of ours.
    func cursor(of number: UInt64) -> ListCursor? {
      let payload = number & (1 << Self.payloadBits - 1)
      guard number & Self.flag != 0, number >> Self.payloadBits & 0x7FFF == checksum(payload),
        let filter = SessionService.Filter(rawValue: UInt8(payload >> 45))
      else { return nil }
      if payload & Self.closedBit != 0 {
        return ListCursor(filter: filter, stage: .closed(position: payload & Self.positionMask))
      }
      let worker = Int(payload >> 32 & 0xFFF)
      guard worker < workers else { return nil }
      return ListCursor(
        filter: filter, stage: .live(worker: worker, record: UInt32(truncatingIfNeeded: payload)))
    }

    private func checksum(_ payload: UInt64) -> UInt64 {
      let product = (payload ^ secret).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ secret << 1 | 1)
      return (product.high ^ product.low) >> 20 & 0x7FFF
    }
  }
}
