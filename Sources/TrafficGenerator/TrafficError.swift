/// Why traffic cannot be made as asked: which option, what was given, what is accepted and would help.
public struct TrafficError: Error, Equatable, CustomStringConvertible, Sendable {
  public let description: String

  init(_ description: String) { self.description = description }
}
