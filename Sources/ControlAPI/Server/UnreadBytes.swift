internal import NIOCore
internal import NIOHTTP2
internal import Synchronization

/// Counts the bytes of long answers until the connection takes them. Stands next to HTTP/2, which keeps
/// frames until the client's window has room.
final class UnreadBytes: ChannelOutboundHandler {
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  /// Bytes of frames that are not worth counting.
  private static let short = 4096

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .data(let content) = Self.unwrapOutboundIn(data), content.data.readableBytes > Self.short
    else { return context.write(data, promise: promise) }
    let count = content.data.readableBytes
    let promise = promise ?? context.eventLoop.makePromise()
    CallMemory.shared.unread.add(count, ordering: .relaxed)
    promise.futureResult.whenComplete { _ in CallMemory.shared.unread.subtract(count, ordering: .relaxed) }
    context.write(data, promise: promise)
  }
}
