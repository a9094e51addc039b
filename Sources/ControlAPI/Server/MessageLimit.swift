internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// Refuses a message that is longer than allowed with a status that says so. Stands between HTTP/2 and gRPC,
/// which would only reset the call, and leave its client to try again.
final class MessageLimit: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private let limit: Int
  private var lengths = MessageLengths()
  private var hasSentHeaders = false
  private var hasRefused = false

  init(_ limit: Int) { self.limit = limit }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !hasRefused else { return }
    if case .data(let frame) = Self.unwrapInboundIn(data), case .byteBuffer(let bytes) = frame.data,
      let length = lengths.longest(in: bytes.readableBytesView), length > limit
    {
      return refuse(context, length)
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if hasRefused {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    if case .headers = Self.unwrapOutboundIn(data) { hasSentHeaders = true }
    context.write(data, promise: promise)
  }

  private func refuse(_ context: ChannelHandlerContext, _ length: Int) {
    hasRefused = true
    // Trailers; where nothing was answered yet they are the whole answer (gRPC over HTTP/2, Trailers-Only).
    var headers: HPACKHeaders = hasSentHeaders ? [:] : [":status": "200", "content-type": "application/grpc"]
    headers.add(name: "grpc-status", value: "8")
    headers.add(
      name: "grpc-message",
      value: "the message has \(length) bytes, and \(limit) are allowed (api.limits.message_bytes)")
    let trailers = HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: true))
    context.writeAndFlush(Self.wrapOutboundOut(trailers)).assumeIsolated().whenComplete { _ in
      context.close(promise: nil)
    }
  }
}

/// Finds the lengths of messages in the bytes of a call: each has a byte of flags and four of length before
/// it, in network order (gRPC over HTTP/2, Length-Prefixed-Message).
package struct MessageLengths {
  package init() {}

  /// Bytes of a message that are still to come.
  private var rest = 0
  private var prefixBytes = 0
  private var length = 0

  /// The greatest length that is told in these bytes, which follow those before; nil when none is.
  package mutating func longest(in bytes: some RandomAccessCollection<UInt8>) -> Int? {
    var longest: Int?
    var left = bytes[...]
    while !left.isEmpty {
      if rest > 0 {
        let skipped = min(rest, left.count)
        left = left.dropFirst(skipped)
        rest -= skipped
        continue
      }
      let byte = left.removeFirst()
      // The first is the flags.
      length = prefixBytes == 0 ? 0 : length << 8 | Int(byte)
      prefixBytes += 1
      if prefixBytes == 5 {
        prefixBytes = 0
        rest = length
        longest = max(longest ?? 0, length)
      }
    }
    return longest
  }
}
