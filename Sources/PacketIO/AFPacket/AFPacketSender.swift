import CLinuxPacket
import Dataplane
import Glibc

/// Sends through one worker's socket of a port, many packets by one system call.
@safe struct AFPacketSender: ~Copyable {
  private let sockets: AFPacketSockets
  private let sending: OpaquePointer
  private let parts: UnsafeMutablePointer<iovec>
  /// By place in the batch: which packet of the burst it is.
  private var packets = FixedArray<UInt16>(repeating: 0)
  private var count = 0
  /// The interface's MTU in bytes: longer packets are dropped by name before the kernel refuses them.
  var mtu: Int

  /// Whether the interface has a carrier, as far as known: without one the device drops what it is given.
  var hasCarrier = true

  /// - Returns: nil when there is no memory.
  init?(_ sockets: AFPacketSockets, mtu: Int) {
    guard let sending = unsafe sluice_sending_make(UInt32(PacketBurst.capacity)),
      let parts = unsafe sluice_sending_parts(sending)
    else { return nil }
    self.sockets = sockets
    unsafe self.sending = sending
    unsafe self.parts = parts
    self.mtu = mtu
  }

  deinit { unsafe sluice_sending_free(sending) }

  /// Sends those packets of the burst that leave by `lif`; those that cannot be sent become drops.
  ///
  /// - Returns: what was sent, and how many packets could not be.
  mutating func transmit(
    _ burst: borrowing PacketBurst, by lif: UInt16, _ outcome: inout BurstOutcome
  ) -> (sent: PortCounters.Traffic, failed: UInt64) {
    var traffic = PortCounters.Traffic()
    var failed: UInt64 = 0
    count = 0
    for index in 0..<burst.count {
      let verdict = outcome[index]
      guard verdict.outLIF == lif, verdict.kind.isSent else { continue }
      let packet = unsafe burst.descriptor(index)
      if let refusal = unsafe refusal(packet) {
        outcome[index] = .drop(refusal)
        failed &+= 1
        continue
      }
      // SAFETY: a burst has at most as many packets as there are parts; its bytes stay until it is over.
      unsafe parts[count] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: packet.start), iov_len: Int(packet.capturedLength))
      packets[count] = UInt16(truncatingIfNeeded: index)
      count &+= 1
      traffic.packets &+= 1
      unsafe traffic.bytes &+= UInt64(packet.capturedLength)
    }
    var sent = 0
    while sent < count {
      var error: Int32 = 0
      let more = unsafe sluice_sending_send(sending, sockets.sender, UInt32(sent), UInt32(count), &error)
      sent += Int(more)
      guard more == 0 else { continue }
      traffic.packets &-= 1
      failed &+= 1
      unsafe traffic.bytes &-= UInt64(parts[sent].iov_len)
      outcome[Int(packets[sent])] = .drop(reason(error))
      sent += 1
    }
    return (traffic, failed)
  }

  /// Sends one packet that is not of a burst: a copy.
  mutating func transmit(_ bytes: RawSpan) -> Bool {
    guard bytes.byteCount <= mtu + EthernetHeader.size + VLANTag.size else { return false }
    return unsafe bytes.withUnsafeBytes { bytes in
      var error: Int32 = 0
      // SAFETY: the bytes stay for this call.
      unsafe parts[0] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
      return unsafe sluice_sending_send(sending, sockets.sender, 0, 1, &error) == 1
    }
  }

  /// Why a packet is not given to the kernel; nil when it is.
  @inline(__always)
  private func refusal(_ packet: PacketDescriptor) -> DropReason? {
    if unsafe packet.isLonger(thanFits: mtu) { return .oversized }
    // What a capture has cut off is nowhere, and another link's packets have no Ethernet header.
    guard unsafe packet.link == .ethernet && packet.capturedLength == packet.originalLength else {
      return .transmitFailed
    }
    return nil
  }

  private func reason(_ error: Int32) -> DropReason {
    switch error {
    case EMSGSIZE: .oversized
    case ENETDOWN, ENXIO, ENODEV: .portDown
    default: hasCarrier ? .transmitFailed : .portDown
    }
  }
}
