import CLinuxPacket
import Glibc
import Synchronization

/// Our XDP program on an interface, which gives its packets to sockets by their queue. It goes with the
/// process, however that ends.
final class AFXDPProgram: Sendable {
  /// Whether it runs in the kernel's stack instead of the driver.
  let isGeneric: Bool
  private let map: Int32
  private let link: Atomic<Int32>

  /// - Parameter queues: that the interface receives by.
  /// - Throws: what the kernel refuses, and whose program is there.
  init(_ settings: AFXDPSettings, index: Int32, queues: Int) throws(LivePortError) {
    let map = sluice_xdp_map_make(UInt32(queues))
    guard map >= 0 else { throw .program(-map, settings.interface) }
    self.map = map
    do throws(LivePortError) {
      let (link, isGeneric) = try Self.attach(map, index, settings)
      self.link = Atomic(link)
      self.isGeneric = isGeneric
    } catch {
      sluice_descriptor_close(map)
      throw error
    }
  }

  deinit {
    detach()
    sluice_descriptor_close(map)
  }

  /// Gives the packets of a queue to a socket.
  func set(queue: Int, _ socket: AFXDPSocket, _ interface: String) throws(LivePortError) {
    let error = sluice_xdp_map_set(map, UInt32(queue), socket.descriptor)
    guard error == 0 else { throw .program(error, interface) }
  }

  /// Lets no packets come any more. From any thread.
  func detach() {
    let open = link.exchange(-1, ordering: .relaxed)
    if open >= 0 { sluice_descriptor_close(open) }
  }

  private static func attach(
    _ map: Int32, _ index: Int32, _ settings: AFXDPSettings
  ) throws(LivePortError) -> (link: Int32, isGeneric: Bool) {
    let wishes: [Bool] =
      switch settings.mode {
      case .auto: [false, true]
      case .native: [false]
      case .generic: [true]
      }
    var refused = ENODEV
    for isGeneric in wishes {
      let link = try attachOnce(map, index, settings, isGeneric)
      if link >= 0 { return (link, isGeneric) }
      refused = -link
      // What no mode would change.
      if refused == EPERM || refused == EACCES { break }
    }
    throw .program(refused, settings.interface)
  }

  /// How long a sluice that is about to end is waited for: so many rounds of 50 ms.
  private static let rounds = 40

  /// - Returns: the link, or -errno.
  /// - Throws: whose program is there.
  private static func attachOnce(
    _ map: Int32, _ index: Int32, _ settings: AFXDPSettings, _ isGeneric: Bool
  ) throws(LivePortError) -> Int32 {
    for _ in 0..<rounds {
      let link = sluice_xdp_attach(map, index, isGeneric)
      // EEXIST: in the other mode.
      guard link == -EBUSY || link == -EEXIST else { return link }
      var program = sluice_xdp_program()
      guard unsafe sluice_xdp_find(index, &program) == 0 else { return link }
      // Gone meanwhile.
      if program.id == 0 { continue }
      if !program.is_ours { throw .foreign(program, settings.interface) }
      // Left behind without a link it stays for ever; with one it stays as long as its sluice.
      if unsafe sluice_xdp_detach(index, &program) != 0 { usleep(50_000) }
    }
    var program = sluice_xdp_program()
    _ = unsafe sluice_xdp_find(index, &program)
    throw .foreign(program, settings.interface)
  }
}
