internal import GRPCCore

/// Decodes the messages of an AddSession stream, of both packages.
struct SessionRequestDeserializer: MessageDeserializer {
  func deserialize<Bytes: GRPCContiguousBytes>(_ message: Bytes) throws -> SessionRequestFields {
    do {
      // SAFETY: the span does not leave the closure, within which the bytes stay where they are.
      return try unsafe message.withUnsafeBytes { buffer in
        try unsafe buffer.withMemoryRebound(to: UInt8.self) {
          try unsafe SessionRequestFields(decoding: $0.span)
        }
      }
    } catch {
      throw RPCError(
        code: .invalidArgument, message: "a message of the stream is no SessionRequest: \(error)")
    }
  }
}
