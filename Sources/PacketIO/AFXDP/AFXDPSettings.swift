/// What an AF_XDP port is opened with.
public struct AFXDPSettings: Hashable, Sendable {
  /// Where the program runs that gives us the packets.
  public enum Mode: String, Sendable {
    /// In the driver where it can, else in the kernel's stack.
    case auto
    case native, generic
  }

  /// Name of the interface, 1...15 bytes.
  public var interface: String
  public var mode = Mode.auto
  /// Entries of each ring, a power of two of ``ringSizes``.
  public var ringSize = 2048

  public init(interface: String) { self.interface = interface }

  /// The least has room for the largest burst with reserve.
  public static let ringSizes: ClosedRange<Int> = 512...32768

  /// Bytes that the kernel keeps free before a packet (XDP_PACKET_HEADROOM).
  static let headroom = 256
  /// Ethernet header and two tags.
  private static let headers = 22
  /// The kernel takes frames from 2048 bytes to a page, a power of two.
  private static let frameSizes = [2048, 4096]

  /// Bytes of a frame with room for packets of `mtu` bytes; nil when none is large enough.
  static func frameSize(mtu: Int) -> Int? { frameSizes.first { mtu <= $0 - headroom - headers } }

  /// The largest MTU for which a frame is large enough.
  static let largestMTU = 4096 - headroom - headers
  /// Frames of a worker for each of its sockets: both rings of receiving full, and as many to be sent.
  var framesPerSocket: Int { 3 * ringSize }
}
