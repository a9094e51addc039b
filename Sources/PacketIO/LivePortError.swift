/// Why a live port cannot be opened; the message says what to change.
package struct LivePortError: Error, Sendable, CustomStringConvertible {
  package let description: String

  init(_ message: String) { description = message }

  static func missing(_ interface: String) -> LivePortError {
    LivePortError("there is no interface \(interface) here: ip link lists those that there are")
  }

  static func down(_ interface: String) -> LivePortError {
    LivePortError("interface \(interface) is down: ip link set \(interface) up")
  }
}
