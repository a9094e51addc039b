import Dataplane

/// What a live port's interface takes: longer packets are dropped by name before the kernel refuses them.
struct LinkLimit: BitwiseCopyable {
  /// The interface's MTU in bytes.
  var mtu: Int

  /// Why a packet is not given to the kernel; nil when it is.
  @inline(__always)
  func refusal(_ packet: PacketDescriptor) -> DropReason? {
    if unsafe packet.isLonger(thanFits: mtu) { return .oversized }
    // What a capture has cut off is nowhere, and another link's packets have no Ethernet header.
    guard unsafe packet.link == .ethernet && packet.capturedLength == packet.originalLength else {
      return .transmitFailed
    }
    return nil
  }

  /// Whether a copy of so many bytes is given to the kernel.
  func takesCopy(_ byteCount: Int) -> Bool { byteCount <= mtu + EthernetHeader.size + VLANTag.size }
}
