/// How a port with an interface receives and sends.
public enum LivePortSettings: Hashable, Sendable {
  case afPacket(AFPacketSettings)
  case afXDP(AFXDPSettings)
  case tap(TapSettings)

  /// Name of the interface, 1...15 bytes.
  public var interface: String {
    switch self {
    case .afPacket(let settings): settings.interface
    case .afXDP(let settings): settings.interface
    case .tap(let settings): settings.interface
    }
  }
}
