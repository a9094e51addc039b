internal import NIOCore
internal import NIOHTTP2

/// Ends a call that was answered before its client had said all with NO_ERROR (RFC 9113 8.1), where HTTP/2
/// would say CANCEL: clients may take that for the outcome, in place of the answer's status. Stands next to
/// HTTP/2.
final class AnsweredClose: ChannelOutboundHandler {
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private var hasAnswered = false

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch Self.unwrapOutboundIn(data) {
    case .headers(let headers): hasAnswered = hasAnswered || headers.endStream
    case .rstStream: hasAnswered = false
    default: break
    }
    context.write(data, promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if hasAnswered, context.channel.isActive {
      hasAnswered = false
      context.writeAndFlush(Self.wrapOutboundOut(.rstStream(.noError)), promise: nil)
    }
    context.close(mode: mode, promise: promise)
  }
}
