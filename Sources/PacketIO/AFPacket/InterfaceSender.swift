import CLinuxPacket
package import Dataplane
import Glibc

/// Sends packets of captures by one interface as they are, past its queueing discipline. Where a port of the
/// daemon drops for want of room, it waits.
///
/// Owned by one thread. It receives nothing, and changes nothing about the interface.
@safe package struct InterfaceSender: ~Copyable {
  /// Nanoseconds that an interface without room is waited for before a packet counts as failed.
  private static let patience: UInt64 = 1_000_000_000
  /// Microseconds between two attempts.
  private static let pause: UInt32 = 100

  private let interface: String
  private let mtu: Int
  private let descriptor: Int32
  private let sending: OpaquePointer
  private let parts: UnsafeMutablePointer<iovec>
  /// By place in the batch: which packet of the burst it is.
  private var packets = FixedArray<UInt16>(repeating: 0)
  private var count = 0
  /// Since when the interface has had no room, in monotonic nanoseconds; nil while it has.
  private var fullSince: UInt64?
  /// What has become of packets so far.
  package private(set) var counts = TransmissionCounts()

  /// - Throws: when there is no such Ethernet interface, it is down or has no carrier, or the kernel refuses
  ///   a socket.
  package init(_ interface: String) throws(LivePortError) {
    let found = try LiveInterface.find(interface)
    guard found.is_running else {
      throw LivePortError("interface \(interface) has no carrier: set up what it is connected to")
    }
    var descriptor: Int32 = -1
    let error = unsafe sluice_sender_open(found.index, &descriptor)
    guard error == 0 else {
      throw LivePortError(SLUICE_RING_SOCKET, error, AFPacketSettings(interface: interface))
    }
    guard let sending = unsafe sluice_sending_make(UInt32(PacketBurst.capacity)),
      let parts = unsafe sluice_sending_parts(sending)
    else {
      sluice_descriptor_close(descriptor)
      throw LivePortError("interface \(interface): no memory to send from")
    }
    self.interface = interface
    self.descriptor = descriptor
    unsafe self.sending = sending
    unsafe self.parts = parts
    mtu = Int(found.mtu)
  }

  deinit {
    unsafe sluice_sending_free(sending)
    sluice_descriptor_close(descriptor)
  }

  /// Sends the packets of a burst; those that cannot be sent are counted by why.
  ///
  /// - Parameter stop: ends the waiting for room; what has not been sent then is not counted.
  package mutating func send(_ burst: borrowing PacketBurst, until stop: StopSignal) {
    if counts.begin == 0 {
      counts.begin = WallClock.now
      counts.end = counts.begin
    }
    collect(burst)
    var sent = 0
    while sent < count {
      var error: Int32 = 0
      let more = unsafe Int(sluice_sending_send(sending, descriptor, UInt32(sent), UInt32(count), &error))
      if more > 0 {
        note(sent..<sent + more)
        sent += more
      } else if waitsForRoom(error) {
        if stop.isSet { return }
      } else {
        unsafe fail(reason(error), burst.descriptor(Int(packets[sent])), error)
        sent += 1
      }
    }
  }

  /// Puts what can be sent into the batch.
  private mutating func collect(_ burst: borrowing PacketBurst) {
    count = 0
    for index in 0..<burst.count {
      let packet = unsafe burst.descriptor(index)
      if let refusal = unsafe refusal(packet) {
        unsafe fail(refusal, packet, 0)
        continue
      }
      // SAFETY: a burst has at most as many packets as there are parts; its bytes stay until it is over.
      unsafe parts[count] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: packet.start), iov_len: Int(packet.capturedLength))
      packets[count] = UInt16(truncatingIfNeeded: index)
      count += 1
    }
  }

  private func refusal(_ packet: PacketDescriptor) -> TransmissionFailure? {
    if unsafe packet.link != .ethernet { return .notEthernet }
    if unsafe packet.capturedLength < packet.originalLength { return .cut }
    return unsafe packet.isLonger(thanFits: mtu) ? .oversized : nil
  }

  private mutating func note(_ places: Range<Int>) {
    fullSince = nil
    counts.end = WallClock.now
    counts.packets += UInt64(places.count)
    // SAFETY: places of the batch.
    for place in places { counts.bytes += unsafe UInt64(parts[place].iov_len) }
  }

  private mutating func fail(_ reason: TransmissionFailure, _ packet: PacketDescriptor, _ error: Int32) {
    let first = unsafe TransmissionCounts.Failures(
      firstPacket: packet.sequence + 1, firstLength: packet.originalLength, firstError: error,
      longest: packet.originalLength)
    var failures = counts.failures[reason, default: first]
    failures.count += 1
    failures.longest = unsafe max(failures.longest, packet.originalLength)
    counts.failures[reason] = failures
  }

  /// Pauses when an error means that there is no room now; false when it means something else, or did so for
  /// too long.
  private mutating func waitsForRoom(_ error: Int32) -> Bool {
    if error == EINTR { return true }
    // A device without a carrier says the same as one that is full.
    guard error == EAGAIN || error == ENOBUFS, hasCarrier else { return false }
    let now = WallClock.now
    guard let since = fullSince else {
      fullSince = now
      counts.waits += 1
      usleep(Self.pause)
      return true
    }
    guard now - since < Self.patience else { return false }
    usleep(Self.pause)
    return true
  }

  private var hasCarrier: Bool {
    var found = sluice_interface()
    return unsafe sluice_interface_find(interface, &found) == 0 && found.is_running
  }

  private func reason(_ error: Int32) -> TransmissionFailure {
    switch error {
    case EMSGSIZE: .oversized
    case ENETDOWN, ENXIO, ENODEV: .portDown
    case EAGAIN, ENOBUFS: hasCarrier ? .noRoom : .portDown
    default: .refused
    }
  }
}
