import CLinuxPacket
package import Dataplane
import Glibc

/// Has the kernel give each worker the packets of its own sessions: a program that knows the flow hash deals
/// the packets of AF_PACKET ports (PACKET_FANOUT_EBPF). Where it cannot be loaded the kernel's own hash deals
/// them, and workers hand over to each other what is not theirs.
package final class FanoutSteering: Sendable {
  /// The program; -1 when there is none.
  let program: Int32
  /// The errno with which the kernel refused it; 0 when it did not.
  private let error: Int32

  /// Loads the program, which takes CAP_BPF.
  package init(_ setup: WorkerSetup) {
    let words = setup.secret.words
    var wish = sluice_fanout_wish()
    wish.secret = (words.0, words.1, words.2, words.3)
    wish.established = TrackState.established.rawValue
    wish.workers = UInt32(setup.workers)
    var program: Int32 = -1
    error = unsafe sluice_fanout_load(&wish, &program)
    self.program = program
  }

  deinit { if program >= 0 { sluice_descriptor_close(program) } }

  /// What should be known though everything works; nil when there is nothing.
  package var warning: String? {
    guard error != 0 else { return nil }
    let mend = error == EPERM ? "; it needs CAP_BPF" : ""
    return "the kernel takes no program that deals packets to their sessions' workers "
      + "(\(errorText(error)))\(mend): they hand them over to each other instead"
  }
}
