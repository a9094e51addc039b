import CLinuxPacket
import Glibc

/// How a worker sends by an AF_XDP port of which it has no queue: by a packet socket, which copies.
final class AFXDPBypass {
  var sender: AFPacketSender
  private let descriptor: Int32

  init(_ port: AFXDPPort) throws(LivePortError) {
    var descriptor: Int32 = -1
    let error = unsafe sluice_sender_open(port.index, &descriptor)
    let settings = AFPacketSettings(interface: port.settings.interface)
    guard error == 0 else { throw LivePortError(SLUICE_RING_SOCKET, error, settings) }
    guard let sender = AFPacketSender(descriptor, mtu: port.mtu) else {
      sluice_descriptor_close(descriptor)
      throw LivePortError("interface \(port.settings.interface): no memory for packets to be sent")
    }
    self.descriptor = descriptor
    self.sender = sender
  }

  deinit { sluice_descriptor_close(descriptor) }
}
