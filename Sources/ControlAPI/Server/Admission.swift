internal import NIOCore

/// Decides about each connection that a listener accepts, before anything is read from it: whether there is
/// room, and, on the control socket, whose process it is.
final class Admission: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  private let listener: String
  private let count: ConnectionCount
  /// nil where TLS decides who may come in.
  private let policy: PeerPolicy?
  private let log: RefusalLog

  init(_ listener: String, count: ConnectionCount, policy: PeerPolicy?, log: RefusalLog) {
    self.listener = listener
    self.count = count
    self.policy = policy
    self.log = log
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let channel = Self.unwrapInboundIn(data)
    guard count.enter() else {
      return refuse(channel, "\(count.limit) are open, which is the limit (api.limits.connections)")
    }
    let count = count
    channel.closeFuture.whenComplete { _ in count.leave() }
    guard let policy else { return context.fireChannelRead(data) }
    let refusal = channel.eventLoop.submit { Self.refusal(of: channel, by: policy) }
    refusal.hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
      // A listener that was closed meanwhile has nobody who would take the connection.
      guard context.channel.isActive else { return channel.close(promise: nil) }
      switch result {
      case .success(nil): context.fireChannelRead(data)
      case .success(let reason?): self.refuse(channel, reason)
      case .failure(let error): self.refuse(channel, "it cannot be told whose it is: \(error)")
      }
    }
  }

  private func refuse(_ channel: any Channel, _ reason: String) {
    log.refused(listener, reason)
    channel.close(promise: nil)
  }

  /// Why the process at the other end may not come in; nil when it may.
  private static func refusal(of channel: any Channel, by policy: PeerPolicy) -> String? {
    let peer = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
      PeerCredentials(descriptor: $0)
    }
    guard let peer = peer ?? nil else { return "the kernel does not tell whose it is" }
    guard !policy.admits(peer) else { return nil }
    return "process \(peer.process) of user \(peer.user) is neither root's nor user \(policy.user)'s, "
      + "and not in group \(policy.group) (api.socket_group)"
  }
}
