/// What a live port is opened with.
public struct AFPacketSettings: Hashable, Sendable {
  /// How the kernel hands packets over. packet(7), Documentation/networking/packet_mmap.rst.
  public enum RingVersion: Int, Sendable {
    /// A frame each, at once: the least latency.
    case v2 = 2
    /// Blocks of packets, handed over when they are full or old: the least work for a packet.
    case v3 = 3
  }

  /// Who gets a packet where several workers receive by the port.
  public enum Fanout: String, Sendable {
    /// The worker that owns the packet's session.
    case sessions
    /// Whom the kernel's symmetric hash chooses; it is handed over where the session is another's.
    case hash
  }

  /// Name of the interface, 1...15 bytes.
  public var interface: String
  public var version = RingVersion.v2
  /// Bytes of one worker's receive ring, ``ringBytes``.
  public var ringSize = 8 << 20
  /// Milliseconds after which a block is handed over that is not full, 1...1000. Version 3.
  public var blockTimeout = 1

  public var fanout = Fanout.sessions

  public init(interface: String) { self.interface = interface }

  /// Sizes that a ring may have: the smallest has room for some super-frames.
  public static let ringBytes: ClosedRange<Int> = 1 << 20...1 << 30
  /// The longest name of an interface in bytes (IFNAMSIZ less the terminating zero).
  public static let longestName = 15

  /// Bytes of a frame that has room for a packet of `mtu` bytes, its headers, and what the kernel puts before
  /// it.
  static func frameSize(mtu: Int) -> Int { max(mtu + frameOverhead, 2048).roundedUpToPowerOfTwo }

  /// TPACKET2_HDRLEN and its alignment, a virtio_net_hdr, an Ethernet header and two tags, with reserve.
  private static let frameOverhead = 160
  /// A block of version 3 has room for some super-frames of 64 KB.
  static let blockSize = 256 << 10
}

extension Int {
  fileprivate var roundedUpToPowerOfTwo: Int { 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
