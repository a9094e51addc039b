/// What a TAP port is opened with.
public struct TapSettings: Hashable, Sendable {
  /// Name of the interface, 1...15 bytes. Made where there is none of this name.
  public var interface: String

  public init(interface: String) { self.interface = interface }
}
