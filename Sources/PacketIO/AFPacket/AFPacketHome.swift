import CLinuxPacket
import Glibc
import Synchronization

/// Which of the kernel's interfaces a live port is on. Its name stands for another one after the interface
/// was deleted and made again; the port's workers then move there, each by itself.
final class AFPacketHome: Sendable {
  private struct State: ~Copyable {
    var index: Int32
    /// The fanout group of the rings there, -1 until the first has joined; nil with one worker.
    var group: Int32?
    var silence = StackSilence()
    var warning: String?

    init(index: Int32, group: Int32?) {
      self.index = index
      self.group = group
    }
  }

  private let name: String
  private let state: Mutex<State>

  /// Silences the kernel's stack on the interface.
  ///
  /// - Parameter group: of the workers' rings; nil with one worker.
  init(_ interface: sluice_interface, name: String, group: Int32?) {
    self.name = name
    state = Mutex(State(index: interface.index, group: group))
    state.withLock { Self.silence(&$0, interface, name) }
  }

  /// What should be known though the port works; nil when there is nothing.
  var warning: String? { state.withLock { $0.warning } }

  /// Has a worker open a ring on the interface that the port's name stands for now.
  ///
  /// - Parameter open: is given the interface and the fanout group, which it joins, or makes where it is -1.
  func move(open: (sluice_interface, inout Int32?) -> Bool) -> Bool {
    state.withLock { state in
      var interface = sluice_interface()
      guard unsafe sluice_interface_find(name, &interface) == 0 else { return false }
      if state.index != interface.index {
        state.index = interface.index
        state.group = state.group.map { _ in -1 }
        Self.silence(&state, interface, name)
      }
      return open(interface, &state.group)
    }
  }

  private static func silence(_ state: inout State, _ interface: sluice_interface, _ name: String) {
    let error = state.silence.move(to: interface)
    state.warning = error == 0 ? nil : LiveInterface.heard(name, error)
  }
}
