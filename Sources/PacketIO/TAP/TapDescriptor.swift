import CLinuxPacket
import Glibc

/// One worker's queue of a TAP interface.
///
/// Opened by the control side, which sees the errors; used by the worker.
final class TapDescriptor: @unchecked Sendable {
  // SAFETY (@unchecked): the control side makes it before the worker takes it; from then on the worker alone
  // uses it.

  /// -1 when it is closed.
  private(set) var number: Int32 = -1
  private let interface: String
  private let hasQueues: Bool

  /// - Parameter hasQueues: whether the interface is one that can have several.
  /// - Throws: the kernel's errno, and what it refused.
  init(_ interface: String, hasQueues: Bool) throws(Refusal) {
    self.interface = interface
    self.hasQueues = hasQueues
    try open()
  }

  deinit { close() }

  /// What the kernel refused, and why.
  struct Refusal: Error {
    var step: sluice_tap_step
    var number: Int32
  }

  private func open() throws(Refusal) {
    var step = SLUICE_TAP_DEVICE
    let error = unsafe sluice_tap_open(interface, hasQueues, &number, &step)
    guard error == 0 else { throw Refusal(step: step, number: error) }
  }

  /// Opens it on the interface that the name stands for now, after the old one was deleted.
  func reopen() -> Bool {
    close()
    return (try? open()) != nil
  }

  func close() {
    if number >= 0 { sluice_descriptor_close(number) }
    number = -1
  }
}
