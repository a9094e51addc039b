internal import GRPCCore
internal import GRPCProtobuf
internal import SwiftProtobuf
internal import Synchronization

/// A message that is let go when its bytes are made: gRPC keeps what a handler returned until the client has
/// read it, and a list of sessions is four times as long as its bytes.
final class Answer<Content: Message>: Sendable {
  private let content: Mutex<Content?>

  init(_ content: Content) { self.content = Mutex(content) }

  /// The message, the first time.
  fileprivate func take() -> Content? { content.withLock { $0.take() } }
}

struct AnswerSerializer<Content: Message>: MessageSerializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ answer: Answer<Content>) throws -> Bytes {
    guard let content = answer.take() else {
      throw RPCError(code: .internalError, message: "\(Content.self) was serialized before")
    }
    return try ProtobufSerializer<Content>().serialize(content)
  }
}
