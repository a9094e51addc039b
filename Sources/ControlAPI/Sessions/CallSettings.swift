internal import Config
internal import Synchronization

/// What calls are held to by the configuration of the moment: a call looks once.
final class CallSettings: Sendable {
  struct Values: Sendable {
    var rules: SessionRequestRules
    var limits: APILimits
  }

  private let values: Mutex<Values>

  init(_ configuration: Configuration) { values = Mutex(Self.values(configuration)) }

  /// Of this moment.
  var now: Values { values.withLock { $0 } }

  /// - Returns: what was before.
  func change(to configuration: Configuration) -> Values {
    let changed = Self.values(configuration)
    return values.withLock { values in
      defer { values = changed }
      return values
    }
  }

  private static func values(_ configuration: Configuration) -> Values {
    Values(rules: SessionRequestRules(configuration), limits: configuration.api.limits)
  }
}
