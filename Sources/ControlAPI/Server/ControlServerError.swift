/// Why the control API cannot be served; the message says what to change.
public struct ControlServerError: Error, Hashable, Sendable {
  /// 1 refused or failed, 2 bad configuration.
  public let status: Int32
  public let message: String

  /// What the system, or somebody else, does not allow.
  static func failed(_ message: String) -> Self { Self(status: 1, message: message) }

  /// What nobody could be told to do.
  static func configuration(_ message: String) -> Self { Self(status: 2, message: message) }
}
