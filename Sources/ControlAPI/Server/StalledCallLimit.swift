internal import NIOCore
internal import NIOHTTP2

/// Resets a call whose client neither sends the rest of it nor takes the answer. Stands between HTTP/2 and
/// gRPC.
///
/// Flow control bounds what waits for a client that does not read; this bounds how long.
final class StalledCallLimit: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private let idle: TimeAmount
  private let stall: TimeAmount
  /// When the client sent something last; nil once it has sent everything.
  private var lastRead: NIODeadline? = .now()
  /// Whether the answer is complete, and only has to be taken.
  private var hasAnswered = false
  private var idleTimer: Scheduled<Void>?
  private var stallTimer: Scheduled<Void>?

  init(idle: TimeAmount, stall: TimeAmount) {
    self.idle = idle
    self.stall = stall
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let isLast =
      switch Self.unwrapInboundIn(data) {
      case .headers(let headers): headers.endStream
      case .data(let data): data.endStream
      default: false
      }
    if isLast {
      lastRead = nil
      idleTimer?.cancel()
      idleTimer = nil
    } else if lastRead != nil {
      lastRead = .now()
      if idleTimer == nil { expectMore(context, at: .now() + idle) }
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .headers(let headers) = Self.unwrapOutboundIn(data), headers.endStream {
      hasAnswered = true
      expectReading(context)
    }
    context.write(data, promise: promise)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if !context.channel.isWritable {
      expectReading(context)
    } else if !hasAnswered {
      stallTimer?.cancel()
      stallTimer = nil
    }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    cancel()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { cancel() }

  private func cancel() {
    idleTimer?.cancel()
    stallTimer?.cancel()
  }

  private func expectMore(_ context: ChannelHandlerContext, at deadline: NIODeadline) {
    idleTimer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      guard let lastRead = self.lastRead else { return }
      let due = lastRead + self.idle
      if due <= .now() {
        context.close(promise: nil)
      } else {
        self.expectMore(context, at: due)
      }
    }
  }

  private func expectReading(_ context: ChannelHandlerContext) {
    guard stallTimer == nil else { return }
    stallTimer = context.eventLoop.assumeIsolated().scheduleTask(in: stall) { context.close(promise: nil) }
  }
}
