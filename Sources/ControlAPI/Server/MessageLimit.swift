internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2
internal import Synchronization

/// Refuses a message that is longer than allowed with a status that says so, and calls whose messages are
/// broken. Stands between HTTP/2 and gRPC, which would only reset the call and leave its client to try again,
/// or take what came before the breach for all there is.
final class MessageLimit: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private let limit: Int
  private var lengths = MessageLengths()
  /// What this call has of `CallMemory.unfinished`.
  private var held = 0
  private var hasHeaders = false
  private var hasSentHeaders = false
  private var hasRefused = false

  init(_ limit: Int) { self.limit = limit }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !hasRefused else { return }
    let frame = Self.unwrapInboundIn(data)
    if case .data(let content) = frame, case .byteBuffer(let bytes) = content.data,
      let length = lengths.longest(in: bytes.readableBytesView), length > limit
    {
      let text = "the message has \(length) bytes, and \(limit) are allowed (api.limits.message_bytes)"
      return refuse(context, status: 8, text)
    }
    hold(lengths.unfinishedBytes)
    if held > CallMemory.shortMessage,
      CallMemory.shared.unfinished.load(ordering: .relaxed) > CallMemory.unfinishedLimit
    {
      return refuse(context, status: 8, "too many long messages are under way: send shorter ones, or later")
    }
    if case .headers = frame {
      if hasHeaders { return refuse(context, status: 13, "a call has no trailers from its client") }
      hasHeaders = true
    }
    if lengths.hasFlags {
      return refuse(context, status: 13, "a message's flags are not 0, though no encoding was agreed")
    }
    if frame.isLast, lengths.isWithinMessage {
      return refuse(context, status: 13, "the call ends in the middle of a message")
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

  func handlerRemoved(context: ChannelHandlerContext) { hold(0) }

  private func hold(_ count: Int) {
    if count != held { CallMemory.shared.unfinished.add(count - held, ordering: .relaxed) }
    held = count
  }

  /// - Parameter status: gRPC's number: 8 RESOURCE_EXHAUSTED, 13 INTERNAL.
  private func refuse(_ context: ChannelHandlerContext, status: Int, _ text: String) {
    hasRefused = true
    hold(0)
    // Trailers; where nothing was answered yet they are the whole answer (gRPC over HTTP/2, Trailers-Only).
    var headers: HPACKHeaders = hasSentHeaders ? [:] : [":status": "200", "content-type": "application/grpc"]
    headers.add(name: "grpc-status", value: "\(status)")
    headers.add(name: "grpc-message", value: text)
    let trailers = HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: true))
    context.writeAndFlush(Self.wrapOutboundOut(trailers)).assumeIsolated().whenComplete { _ in
      context.close(promise: nil)
    }
  }
}

extension HTTP2Frame.FramePayload {
  /// Whether the client says nothing after it.
  fileprivate var isLast: Bool {
    switch self {
    case .data(let content): content.endStream
    case .headers(let content): content.endStream
    default: false
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
  /// Whether a message had flags. The only one there is tells that it is compressed; no encoding is offered.
  package private(set) var hasFlags = false
  /// Bytes that have come of a message that is not complete, without its prefix.
  package var unfinishedBytes: Int { rest > 0 ? length - rest : 0 }
  /// Messages whose last byte has come.
  package private(set) var complete = 0
  /// Whether the bytes so far end inside a message or its prefix.
  package var isWithinMessage: Bool { rest > 0 || prefixBytes > 0 }

  /// The greatest length that is told in these bytes, which follow those before; nil when none is.
  package mutating func longest(in bytes: some RandomAccessCollection<UInt8>) -> Int? {
    var longest: Int?
    var left = bytes[...]
    while !left.isEmpty {
      if rest > 0 {
        let skipped = min(rest, left.count)
        left = left.dropFirst(skipped)
        rest -= skipped
        if rest == 0 { complete += 1 }
        continue
      }
      let byte = left.removeFirst()
      // The first is the flags.
      length = prefixBytes == 0 ? 0 : length << 8 | Int(byte)
      if prefixBytes == 0, byte != 0 { hasFlags = true }
      prefixBytes += 1
      if prefixBytes == 5 {
        prefixBytes = 0
        rest = length
        if rest == 0 { complete += 1 }
        longest = max(longest ?? 0, length)
      }
    }
    return longest
  }
}
