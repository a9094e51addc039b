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
    /// Rings that have joined the group.
    var joined: Int
    var silence = StackSilence()
    var warning: String?

    init(index: Int32, group: Int32?, joined: Int) {
      self.index = index
      self.group = group
      self.joined = joined
    }
  }

  private let name: String
  private let state: Mutex<State>

  /// Silences the kernel's stack on the interface.
  ///
  /// - Parameters:
  ///   - group: of the workers' rings, `workers` of which have joined it; nil with one worker.
  init(_ interface: sluice_interface, name: String, group: Int32?, workers: Int) {
    self.name = name
    state = Mutex(State(index: interface.index, group: group, joined: workers))
    state.withLock { Self.silence(&$0, interface, name) }
  }

  /// What should be known though the port works; nil when there is nothing.
  var warning: String? { state.withLock { $0.warning } }

  /// How a worker's move ended.
  enum Move {
    case done, failed
    /// Others come first: they join the fanout group in their order, by which packets are dealt.
    case early
  }

  /// Has a worker open a ring on the interface that the port's name stands for now.
  ///
  /// - Parameters:
  ///   - waits: whether it may be told to come again since it is early.
  ///   - open: is given the interface and the fanout group, which it joins, or makes where it is -1.
  func move(
    _ worker: Int, waits: Bool, open: (sluice_interface, inout Int32?) -> Bool
  ) -> Move {
    state.withLock { state in
      var interface = sluice_interface()
      guard unsafe sluice_interface_find(name, &interface) == 0 else { return .failed }
      if state.index != interface.index {
        state.index = interface.index
        state.group = state.group.map { _ in -1 }
        state.joined = 0
        Self.silence(&state, interface, name)
      }
      if waits, state.group != nil, worker > state.joined { return .early }
      guard open(interface, &state.group) else { return .failed }
      state.joined += 1
      return .done
    }
  }

  private static func silence(_ state: inout State, _ interface: sluice_interface, _ name: String) {
    let error = state.silence.move(to: interface)
    state.warning = error == 0 ? nil : LiveInterface.heard(name, error)
  }
}
