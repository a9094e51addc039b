import CLinuxPacket
import Glibc
import Synchronization

/// Keeps the kernel's own stack off one interface at a time: what it would receive there, or send, is dropped
/// behind and past packet sockets. It ends with this value, however the process ends.
struct StackSilence: ~Copyable {
  // The program outlives interfaces and ports: to load one takes a capability that is gone after the start.
  private static let program = Mutex<Int32>(-1)
  private var links: (Int32, Int32)?

  deinit { release() }

  /// Moves to an interface.
  ///
  /// - Returns: the errno with which the kernel refuses; 0 when it does not.
  mutating func move(to interface: sluice_interface) -> Int32 {
    release()
    links = nil
    var program: Int32 = -1
    let missing = Self.program.withLock { loaded in
      let error = loaded < 0 ? unsafe sluice_silence_load(&loaded) : 0
      program = loaded
      return error
    }
    guard missing == 0 else { return missing }
    var ingress: Int32 = -1
    var egress: Int32 = -1
    let error = unsafe sluice_silence_attach(program, interface.index, &ingress, &egress)
    if error == 0 { links = (ingress, egress) }
    return error
  }

  private func release() {
    guard let links else { return }
    sluice_descriptor_close(links.0)
    sluice_descriptor_close(links.1)
  }
}
