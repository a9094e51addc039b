import CLinuxPacket
import Dataplane
import Glibc

/// One worker's sockets on a live port: a receive ring, and a socket that sends.
///
/// Opened by the control side, which sees the errors; used by the worker.
@safe final class AFPacketSockets: @unchecked Sendable {
  // SAFETY (@unchecked): the control side makes it and starts it before the worker takes it; from then on the
  // worker alone uses it.

  /// The ring; its memory is mapped as long as this object lives or until it is reopened.
  var ring: sluice_ring
  private(set) var sender: Int32
  /// The index of the interface that they are on.
  private(set) var interface: Int32
  private let settings: AFPacketSettings
  private let steering: FanoutSteering?
  private var isOpen = true

  /// - Parameter group: the fanout group to join, nil for none; -1 to make one, whose number takes its place.
  init(
    _ settings: AFPacketSettings, _ interface: sluice_interface, group: inout Int32?,
    _ steering: FanoutSteering?
  ) throws(LivePortError) {
    self.settings = settings
    self.steering = steering
    self.interface = interface.index
    unsafe ring = try Self.openRing(settings, interface)
    if var number = group {
      try unsafe Self.join(&ring, &number, steering, settings)
      group = number
    }
    var sender: Int32 = -1
    let error = unsafe sluice_sender_open(interface.index, &sender)
    self.sender = sender
    guard error == 0 else {
      unsafe sluice_ring_close(&ring)
      isOpen = false
      throw LivePortError(SLUICE_RING_SOCKET, error, settings)
    }
  }

  deinit { close() }

  /// Lets packets come.
  func start() { unsafe sluice_ring_start(&ring) }

  /// Lets nothing come any more; what is in the ring stays.
  func stop() { unsafe sluice_ring_stop(&ring) }

  /// Closes both sockets. Once nobody reads the ring any more.
  func close() {
    guard isOpen else { return }
    isOpen = false
    unsafe sluice_ring_close(&ring)
    sluice_descriptor_close(sender)
  }

  /// Puts a new ring in the place of one that receives nothing any more, and starts it; on another interface
  /// also a new sender.
  ///
  /// - Parameters:
  ///   - group: as for `init`.
  ///   - lastCount: called when the old ring counts no more, for what it has counted.
  /// - Returns: whether there is one; else the old one stays.
  func reopen(_ interface: sluice_interface, group: inout Int32?, lastCount: () -> Void) -> Bool {
    guard var fresh = unsafe try? Self.openRing(settings, interface) else { return false }
    var joined = group
    if var number = group {
      // Beside the old one, which goes on counting what is dealt to it until it is out of the group.
      guard unsafe sluice_ring_join(&fresh, &number, steering?.program ?? -1) == 0 else {
        unsafe sluice_ring_close(&fresh)
        return false
      }
      joined = number
    }
    // The last that can fail: what goes to another interface than what comes would find no neighbours.
    guard moveSender(to: interface) else {
      unsafe sluice_ring_close(&fresh)
      return false
    }
    group = joined
    // What both hear would be counted twice.
    if group == nil { unsafe sluice_ring_stop(&ring) }
    unsafe sluice_ring_start(&fresh)
    self.interface = interface.index
    lastCount()
    unsafe swap(&ring, &fresh)
    // Takes milliseconds, in which the new one hears already.
    unsafe sluice_ring_close(&fresh)
    return true
  }

  private func moveSender(to interface: sluice_interface) -> Bool {
    guard interface.index != self.interface else { return true }
    var fresh: Int32 = -1
    guard unsafe sluice_sender_open(interface.index, &fresh) == 0 else { return false }
    sluice_descriptor_close(sender)
    sender = fresh
    return true
  }

  private static func openRing(
    _ settings: AFPacketSettings, _ interface: sluice_interface
  ) throws(LivePortError) -> sluice_ring {
    let isV3 = settings.version == .v3
    let unit = isV3 ? AFPacketSettings.blockSize : AFPacketSettings.frameSize(mtu: Int(interface.mtu))
    var wish = sluice_ring_wish()
    wish.interface = interface.index
    wish.version = Int32(settings.version.rawValue)
    wish.unit_size = UInt32(unit)
    wish.units = UInt32(max(settings.ringSize / unit, 4))
    wish.block_timeout = UInt32(settings.blockTimeout)
    var ring = unsafe sluice_ring()
    var step = SLUICE_RING_SOCKET
    let error = unsafe sluice_ring_open(&wish, &ring, &step)
    guard error == 0 else { throw LivePortError(step, error, settings) }
    return unsafe ring
  }

  /// Joins the fanout group, or makes it; closes the ring when that fails.
  private static func join(
    _ ring: inout sluice_ring, _ group: inout Int32, _ steering: FanoutSteering?,
    _ settings: AFPacketSettings
  ) throws(LivePortError) {
    let error = unsafe sluice_ring_join(&ring, &group, steering?.program ?? -1)
    guard error == 0 else {
      unsafe sluice_ring_close(&ring)
      throw LivePortError(SLUICE_RING_FANOUT, error, settings)
    }
  }
}
