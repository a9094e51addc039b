internal import GRPCCore
internal import Synchronization

/// Bytes that calls of all connections hold: limits on each of them bound their sum only at gigabytes.
final class CallMemory: Sendable {
  /// Of the process.
  static let shared = CallMemory()

  /// Bytes of messages that are not complete from which on long ones are refused.
  static let unfinishedLimit = 64 << 20
  /// Bytes of a message that are always taken.
  static let shortMessage = 64 << 10
  /// Bytes of answers that wait for their clients from which on there are no lists.
  static let unreadLimit = 256 << 20

  /// Bytes that have come of messages that are not complete.
  let unfinished = Atomic<Int>(0)
  /// Bytes of long answers that have not been handed to the kernel.
  let unread = Atomic<Int>(0)

  /// - Throws: RESOURCE_EXHAUSTED when clients do not read what they have asked for.
  func checkUnread() throws(RPCError) {
    let bytes = unread.load(ordering: .relaxed)
    guard bytes > Self.unreadLimit else { return }
    throw RPCError(
      code: .resourceExhausted,
      message: "clients have not read \(bytes >> 20) MiB of earlier answers; more than "
        + "\(Self.unreadLimit >> 20) MiB are not kept for them")
  }
}
