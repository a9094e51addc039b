import Dispatch
import Foundation
import PacketIO
import Synchronization

/// Ctrl-C and SIGTERM end a run in good order: of a replay what was read is finished and summed up.
enum Interrupt {
  private static let requested = Atomic<Bool>(false)

  static var wasRequested: Bool { requested.load(ordering: .relaxed) }

  /// From now on a signal stops this replay; a second one ends the process at once.
  static func stops(_ progress: ReplayProgress) { calls { progress.stop() } }

  /// From when it returns a signal calls `stop`, on another thread; a second one ends the process at once.
  static func calls(_ stop: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM] {
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        // The source lives as long as its handler, which holds it: to the process's end.
        defer { withExtendedLifetime(source) {} }
        if requested.exchange(true, ordering: .relaxed) { _exit(130) }
        stop()
      }
      // Sources take effect later, on a thread that may have to wait for a core.
      let isListening = DispatchSemaphore(value: 0)
      source.setRegistrationHandler { isListening.signal() }
      source.resume()
      isListening.wait()
    }
  }
}
