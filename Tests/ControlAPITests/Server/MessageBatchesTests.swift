import ControlAPI
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

@Suite struct MessageBatchesTests {
  private static let path = "/p.S/Add"

  /// A call of `path` on a channel that has only the handler under test.
  private func call(path: String = path) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(handler: MessageBatches([Self.path]))
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
    channel.pipeline.fireChannelRead(
      HTTP2Frame.FramePayload.headers(.init(headers: [":path": path], endStream: false)))
    guard case .headers = try channel.readInbound(as: HTTP2Frame.FramePayload.self) else {
      throw Unexpected()
    }
    return channel
  }

  private struct Unexpected: Error {}

  private func send(_ bytes: [UInt8], isLast: Bool = false, on channel: EmbeddedChannel) {
    channel.pipeline.fireChannelRead(
      HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: isLast)))
  }

  private func message(_ bytes: [UInt8]) -> [UInt8] {
    [0] + withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
  }

  /// The messages that came out in batches, and whether the last frame ended the call.
  private func taken(from channel: EmbeddedChannel) throws -> (batches: [[[UInt8]]], isEnded: Bool) {
    var batches: [[[UInt8]]] = []
    var isEnded = false
    while let frame = try channel.readInbound(as: HTTP2Frame.FramePayload.self) {
      #expect(!isEnded)
      guard case .data(let content) = frame, case .byteBuffer(var bytes) = content.data else {
        throw Unexpected()
      }
      isEnded = content.endStream
      if bytes.readableBytes == 0, isEnded { continue }
      #expect(bytes.readInteger(as: UInt8.self) == 0)
      #expect(bytes.readInteger(as: UInt32.self).map(Int.init) == bytes.readableBytes)
      var messages: [[UInt8]] = []
      try Array(bytes.readableBytesView).withUnsafeBufferPointer { buffer in
        try MessageBatch.forEach(in: buffer.span) { message throws(ProtobufError) in
          messages.append(message.indices.map { message[$0] })
        }
      }
      #expect(!messages.isEmpty)
      batches.append(messages)
    }
    return (batches, isEnded)
  }

  @Test func `what comes in one read is one batch`() throws {
    let channel = try call()
    send(message([1, 2]) + message([]), on: channel)
    send(message([3]) + [0, 0], on: channel)
    #expect(try taken(from: channel).batches.isEmpty)
    channel.pipeline.fireChannelReadComplete()
    #expect(try taken(from: channel).batches == [[[1, 2], [], [3]]])
    send([0, 0, 1, 9], isLast: true, on: channel)
    let rest = try taken(from: channel)
    #expect(rest.batches == [[[9]]] && rest.isEnded)
  }

  @Test func `a call without messages, and one that ends by itself`() throws {
    var channel = try call()
    send([], isLast: true, on: channel)
    #expect(try taken(from: channel).isEnded)
    channel = try call()
    send(message([7]), on: channel)
    channel.pipeline.fireChannelReadComplete()
    send([], isLast: true, on: channel)
    let all = try taken(from: channel)
    #expect(all.batches == [[[7]]] && all.isEnded)
  }

  @Test func `other calls are left alone`() throws {
    let channel = try call(path: "/p.S/Get")
    send([1, 2, 3], isLast: true, on: channel)
    guard case .data(let content) = try channel.readInbound(as: HTTP2Frame.FramePayload.self) else {
      throw Unexpected()
    }
    #expect(content.data == .byteBuffer(ByteBuffer(bytes: [1, 2, 3])) && content.endStream)
  }

  @Test func `cut anywhere, all messages come out in order`() throws {
    var random = SystemRandomNumberGenerator()
    for round in 0..<300 {
      let messages = (0..<Int.random(in: 0...40, using: &random)).map { index in
        let longest = round % 10 == 0 ? 40_000 : 60
        return [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: .random(in: 0...longest))
      }
      let bytes = messages.flatMap(message)
      let channel = try call()
      var position = 0
      while position < bytes.count {
        let end = min(bytes.count, position + Int.random(in: 1...(round % 10 == 0 ? 16_384 : 90)))
        send(Array(bytes[position..<end]), isLast: end == bytes.count && round % 2 == 0, on: channel)
        position = end
        if Int.random(in: 0..<4) == 0 { channel.pipeline.fireChannelReadComplete() }
      }
      if bytes.isEmpty || round % 2 == 1 { send([], isLast: true, on: channel) }
      let all = try taken(from: channel)
      #expect(all.batches.flatMap { $0 } == messages)
      #expect(all.isEnded)
      let longest = MessageBatches.enough + 40_000 + MessageBatch.prefix
      #expect(all.batches.allSatisfy { $0.reduce(0) { $0 + $1.count } <= longest })
    }
  }

  @Test func `a batch that is cut is refused`() {
    let cut: [[UInt8]] = [
      [0], [0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 7, 0], [0, 255, 255, 255, 255],
    ]
    for bytes in cut {
      #expect(throws: ProtobufError.truncated) {
        try bytes.withUnsafeBufferPointer { buffer in
          try MessageBatch.forEach(in: buffer.span) { _ throws(ProtobufError) in }
        }
      }
    }
  }
}
