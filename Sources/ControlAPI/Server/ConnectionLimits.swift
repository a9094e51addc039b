internal import NIOCore

/// Closes a connection from which nothing has come for too long. The server's pings make a client that is
/// alive, and reads, send something in time.
final class SilenceLimit: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let limit: TimeAmount
  private var last = NIODeadline.now()
  private var timer: Scheduled<Void>?

  init(_ limit: TimeAmount) { self.limit = limit }

  func handlerAdded(context: ChannelHandlerContext) { schedule(context, at: last + limit) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    last = .now()
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    // HTTP/2 lists the calls that a read was for until it is complete. Where a connection breaks in a read it
    // never is, and the list would keep them, and they the connection, for ever.
    context.fireChannelReadComplete()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  private func schedule(_ context: ChannelHandlerContext, at deadline: NIODeadline) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      let due = self.last + self.limit
      if due <= .now() {
        context.close(promise: nil)
      } else {
        self.schedule(context, at: due)
      }
    }
  }
}

/// Closes a connection that does not get as far as its first HTTP/2 frame. Stands behind the HTTP/2 handler.
final class PrefaceDeadline: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = Any

  private let limit: TimeAmount
  private var timer: Scheduled<Void>?

  init(_ limit: TimeAmount) { self.limit = limit }

  func handlerAdded(context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    timer?.cancel()
    context.fireChannelRead(data)
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }
}
