internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// Counts the messages of a call's answer that its connection has taken, for calls of `methods`, which find
/// the count by their metadata. Stands next to HTTP/2, which keeps a frame until the client's window has
/// room.
final class DeliveryCounter: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private let methods: Set<String>
  private var call: (number: UInt64, delivery: Delivery)?
  private var lengths = MessageLengths()

  /// - Parameter methods: paths of calls, `/PACKAGE.SERVICE/METHOD`.
  init(_ methods: Set<String>) { self.methods = methods }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .headers(var frame) = Self.unwrapInboundIn(data) else { return context.fireChannelRead(data) }
    frame.headers.remove(name: Deliveries.key)
    if call == nil, let path = frame.headers.first(name: ":path"), methods.contains(path) {
      let call = Deliveries.shared.begin()
      frame.headers.add(name: Deliveries.key, value: "\(call.number)")
      self.call = call
    }
    context.fireChannelRead(Self.wrapInboundOut(.headers(frame)))
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard let delivery = call?.delivery, case .data(let content) = Self.unwrapOutboundIn(data),
      case .byteBuffer(let bytes) = content.data
    else { return context.write(data, promise: promise) }
    let before = lengths.complete
    _ = lengths.longest(in: bytes.readableBytesView)
    let count = lengths.complete - before
    let promise = promise ?? context.eventLoop.makePromise()
    promise.futureResult.whenSuccess { delivery.wrote(count) }
    context.write(data, promise: promise)
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  private func end() {
    if let number = call?.number { Deliveries.shared.end(number) }
  }
}
