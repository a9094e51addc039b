/// What tells the SA that a packet belongs to, before it is known: the SPI of ESP, by itself or in UDP, and
/// the initiator's SPI of IKE. RFC 4303 §2.1, RFC 3948 §2, RFC 7296 §3.1.
package struct SecurityIndex: Equatable, BitwiseCopyable, Sendable {
  /// The bytes of the SPI as this machine loads them.
  package let word: UInt64

  /// - Parameter frame: a packet that is no fragment, as parsed from `bytes`.
  /// - Returns: nil when it is neither, or is cut before its SPI.
  package init?(_ frame: Frame, in bytes: RawSpan) {
    let start = Int(frame.transportOffset)
    let payload = start + UDPHeader.size
    // What is behind the packet on its link is none of it.
    let bytes = bytes.extracting(first: min(bytes.byteCount, start + Int(frame.transportLength)))
    switch frame.kind {
    case .esp: self.init(bytes, at: start, size: 4)
    case .udp:
      let ports = frame.ports(in: bytes)
      if ports.destination == Self.keyExchange {
        self.init(bytes, at: payload, size: 8)
      } else if ports.destination == Self.traversal {
        guard payload + 4 <= bytes.byteCount else { return nil }
        // Four bytes of 0 are before IKE, where ESP has an SPI that is not 0.
        let isKeyExchange = bytes.loadBigEndian(at: payload, as: UInt32.self) == 0
        self.init(bytes, at: payload + (isKeyExchange ? 4 : 0), size: isKeyExchange ? 8 : 4)
      } else {
        return nil
      }
    default: return nil
    }
  }

  private init?(_ bytes: RawSpan, at offset: Int, size: Int) {
    guard offset + size <= bytes.byteCount else { return nil }
    word =
      size == 4
      ? UInt64(UInt32(bigEndian: bytes.loadBigEndian(at: offset)))
      : UInt64(bigEndian: bytes.loadBigEndian(at: offset))
  }

  /// UDP ports. RFC 7296 §2, RFC 3948 §4.
  private static let keyExchange: UInt16 = 500
  private static let traversal: UInt16 = 4500
}
