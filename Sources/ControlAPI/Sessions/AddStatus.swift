internal import Dataplane

/// What became of a request of AddSession, or of a whole stream: `AddSessionStatus` of both packages, same
/// numbers.
package enum AddStatus: Int32, Sendable {
  case accepted = 0
  case rejected = 1
  case tableFull = 2
  case tableUnavailable = 3
  case alreadyExists = 4
}

extension AddStatus {
  init(_ outcome: AddOutcome) {
    switch outcome {
    case .added, .replaced, .tookOver: self = .accepted
    case .alreadyExists: self = .alreadyExists
    case .tableFull: self = .tableFull
    case .tooManyPolicies, .unavailable: self = .tableUnavailable
    }
  }
}
