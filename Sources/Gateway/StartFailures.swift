import Dataplane
import PacketIO

extension AddOutcome {
  /// The first request that the table refused, in words; nil when none was.
  static func refusal(_ outcomes: [AddOutcome], _ requests: [SessionRequest]) -> String? {
    let refused = outcomes.indices.filter { outcomes[$0] != .added }
    guard let first = refused.first else { return nil }
    let why =
      switch outcomes[first] {
      case .alreadyExists: "its id or tuple is in use"
      case .tableFull: "the table is full: raise \"capacity\""
      case .tooManyPolicies: "too many distinct combinations of LIFs, action, next hop and timeout"
      case .added, .replaced, .tookOver, .unavailable: "of an unexpected outcome"
      }
    return "\(refused.count) sessions were refused, the first with id \(requests[first].id) because \(why)"
  }
}

extension WorkerError {
  /// Why workers cannot start, and what would help.
  func text(capacity: Int) -> String {
    switch self {
    case .outOfMemory: "no memory for a table of \(capacity) sessions: lower \"capacity\""
    case .noRoomForStored:
      "warm_restart: a worker has no room for the sessions that are stored: raise \"capacity\""
    case .thread(let number): "a worker thread cannot be started: \(errorText(number))"
    case .pinning(let core, let number):
      "cores: a worker thread cannot be pinned to CPU \(core): \(errorText(number))"
    case .scheduling(let priority, let number):
      "scheduler_policy: fifo: priority \(priority) is refused: \(errorText(number)); it needs CAP_SYS_NICE, "
        + "or RLIMIT_RTPRIO of \(priority) or more (systemd: LimitRTPRIO=)"
    }
  }
}
