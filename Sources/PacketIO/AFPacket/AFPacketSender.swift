import CLinuxPacket
import Dataplane
import Glibc

/// Sends through one worker's packet socket of a port, many packets by one system call.
@safe struct AFPacketSender: ~Copyable {
  /// Of the socket; another one when the port has moved to another interface.
  var descriptor: Int32
  private let sending: OpaquePointer
  private let parts: UnsafeMutablePointer<iovec>
  /// By place in the batch: which packet of the burst it is.
  private var packets = FixedArray<UInt16>(repeating: 0)
  private var count = 0
  /// What may be given to the interface.
  private var limit: LinkLimit
  var mtu: Int {
    get { limit.mtu }
    set { limit.mtu = newValue }
  }

  /// Whether the interface has a carrier, as far as known: without one the device drops what it is given.
  var hasCarrier = true

  /// - Parameter descriptor: of the socket, which stays open as long as this is used.
  /// - Returns: nil when there is no memory.
  init?(_ descriptor: Int32, mtu: Int) {
    guard let sending = unsafe sluice_sending_make(UInt32(PacketBurst.capacity)),
      let parts = unsafe sluice_sending_parts(sending)
    else { return nil }
    self.descriptor = descriptor
    unsafe self.sending = sending
    unsafe self.parts = parts
    limit = LinkLimit(mtu: mtu)
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
      if let refusal = unsafe limit.refusal(packet) {
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
      let more = unsafe sluice_sending_send(sending, descriptor, UInt32(sent), UInt32(count), &error)
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
    guard limit.takesCopy(bytes.byteCount) else { return false }
    return unsafe bytes.withUnsafeBytes { bytes in
      var error: Int32 = 0
      // SAFETY: the bytes stay for this call.
      unsafe parts[0] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
      return unsafe sluice_sending_send(sending, descriptor, 0, 1, &error) == 1
    }
  }

  private func reason(_ error: Int32) -> DropReason {
    switch error {
    case EMSGSIZE: .oversized
    case ENETDOWN, ENXIO, ENODEV: .portDown
    default: hasCarrier ? .transmitFailed : .portDown
    }
  }
}
