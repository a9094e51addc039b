package import NIOCore
internal import NIOHPACK
package import NIOHTTP2

/// Makes one message of all those of a call that have come together, since what gRPC does for a message costs
/// several times what we do with a session. Stands between HTTP/2 and gRPC, behind `MessageLimit`; only calls
/// of `methods` are touched, whose deserializers take a ``MessageBatch``.
///
/// Order and number of the messages stay, and none waits for more: what has come is passed on at the end of
/// each read.
package final class MessageBatches: ChannelInboundHandler {
  package typealias InboundIn = HTTP2Frame.FramePayload
  package typealias InboundOut = HTTP2Frame.FramePayload

  /// Bytes from which on a batch is passed on at once. With the longest message, and what stands before it,
  /// this is the longest batch.
  package static let enough = 64 << 10

  private let methods: Set<String>
  private var isBatching = false
  /// Whole messages, and perhaps the beginning of another one.
  private var waiting: ByteBuffer?
  /// Bytes of the whole ones.
  private var whole = 0

  /// - Parameter methods: paths of calls, `/PACKAGE.SERVICE/METHOD`.
  package init(_ methods: Set<String>) { self.methods = methods }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch Self.unwrapInboundIn(data) {
    case .headers(let headers):
      if let path = headers.headers.first(name: ":path") { isBatching = methods.contains(path) }
      passOn(context, isLast: false)
    case .data(let content):
      guard isBatching, case .byteBuffer(var bytes) = content.data else { break }
      waiting.setOrWriteBuffer(&bytes)
      if content.endStream { return passOn(context, isLast: true) }
      look()
      if whole >= Self.enough { passOn(context, isLast: false) }
      return
    default: break
    }
    context.fireChannelRead(data)
  }

  package func channelReadComplete(context: ChannelHandlerContext) {
    passOn(context, isLast: false)
    context.fireChannelReadComplete()
  }

  /// Counts the whole messages that wait, up to what makes a batch.
  private func look() {
    guard let waiting else { return }
    while whole < Self.enough,
      let length = waiting.getInteger(at: waiting.readerIndex + whole + 1, as: UInt32.self),
      waiting.readableBytes - whole >= MessageBatch.prefix + Int(length)
    {
      whole += MessageBatch.prefix + Int(length)
    }
  }

  private func passOn(_ context: ChannelHandlerContext, isLast: Bool) {
    guard isBatching else { return }
    look()
    while whole > 0, let content = waiting?.readSlice(length: whole) {
      var batch = context.channel.allocator.buffer(capacity: MessageBatch.prefix + content.readableBytes)
      batch.writeInteger(UInt8(0))
      batch.writeInteger(UInt32(truncatingIfNeeded: content.readableBytes))
      batch.writeImmutableBuffer(content)
      whole = 0
      look()
      fire(context, batch, isLast: isLast && whole == 0)
      if whole == 0 {
        waiting?.discardReadBytes()
        return
      }
    }
    if isLast { fire(context, ByteBuffer(), isLast: true) }
  }

  private func fire(_ context: ChannelHandlerContext, _ bytes: ByteBuffer, isLast: Bool) {
    let frame = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(bytes), endStream: isLast))
    context.fireChannelRead(Self.wrapInboundOut(frame))
  }
}
