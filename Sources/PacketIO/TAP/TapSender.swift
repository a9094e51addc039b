import CLinuxPacket
import Dataplane
import Glibc

/// Sends through one worker's queue of a TAP interface, each packet by a system call.
struct TapSender {
  private let descriptor: TapDescriptor
  /// What may be given to the interface.
  var limit: LinkLimit

  /// - Parameter descriptor: stays open as long as this is used, or says that it is not.
  init(_ descriptor: TapDescriptor, mtu: Int) {
    self.descriptor = descriptor
    limit = LinkLimit(mtu: mtu)
  }

  /// Sends those packets of the burst that leave by `lif`; those that cannot be sent become drops.
  ///
  /// - Returns: what was sent, and how many packets could not be.
  func transmit(
    _ burst: borrowing PacketBurst, by lif: UInt16, _ outcome: inout BurstOutcome
  ) -> (sent: PortCounters.Traffic, failed: UInt64) {
    var traffic = PortCounters.Traffic()
    var failed: UInt64 = 0
    for index in 0..<burst.count {
      let verdict = outcome[index]
      guard verdict.outLIF == lif, verdict.kind.isSent else { continue }
      let packet = unsafe burst.descriptor(index)
      if let reason = unsafe limit.refusal(packet) ?? send(packet.start, Int(packet.capturedLength)) {
        outcome[index] = .drop(reason)
        failed &+= 1
      } else {
        traffic.packets &+= 1
        unsafe traffic.bytes &+= UInt64(packet.capturedLength)
      }
    }
    return (traffic, failed)
  }

  /// Sends one packet that is not of a burst: a copy.
  func transmit(_ bytes: RawSpan) -> Bool {
    guard limit.takesCopy(bytes.byteCount) else { return false }
    return unsafe bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      return unsafe send(start, bytes.count) == nil
    }
  }

  /// - Returns: why it was not sent; nil when it was.
  /// - Safety: so many bytes are readable.
  @unsafe private func send(_ start: UnsafeRawPointer, _ count: Int) -> DropReason? {
    switch unsafe sluice_tap_write(descriptor.number, start, count) {
    case 0: nil
    // Down; deleted, once with our descriptor still open.
    case EIO, EBADFD, EBADF: .portDown
    default: .transmitFailed
    }
  }
}
