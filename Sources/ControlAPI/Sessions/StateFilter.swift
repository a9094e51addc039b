internal import Dataplane
internal import GRPCCore
internal import Gateway

/// Which sessions GetAllSession shows, by the number of `sessionstate`. Decision A5: 0, the default, is not
/// `_ESTABLISHED` but any live state; 1 and 2 are `_CLOSING_1` and `_CLOSING_2` exactly.
enum StateFilter: UInt8 {
  case live = 0
  case closing1 = 1
  case closing2 = 2
  case closed = 3
  case all = 4

  /// - Throws: INVALID_ARGUMENT for numbers that the decision does not give a meaning.
  init(number: Int) throws(RPCError) {
    guard let byte = UInt8(exactly: number), let filter = StateFilter(rawValue: byte) else {
      throw RPCError(
        code: .invalidArgument,
        message: "sessionstate \(number) is not known; accepted: 0 (live), 1 (_CLOSING_1), 2 (_CLOSING_2), "
          + "3 (closed and retained), 4 (all)")
    }
    self = filter
  }

  /// The list of the session core that has all of them, and perhaps others.
  var list: SessionService.Filter {
    switch self {
    case .live: .live
    case .closing1, .closing2: .closing
    case .closed: .closed
    case .all: .all
    }
  }

  /// Whether sessions of `state` are shown.
  func includes(_ state: SessionState) -> Bool {
    switch self {
    case .live: state != .closed
    case .closing1: state == .closing1
    case .closing2: state == .closing2
    case .closed: state == .closed
    case .all: true
    }
  }
}
