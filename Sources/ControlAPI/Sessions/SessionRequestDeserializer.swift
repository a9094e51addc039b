internal import GRPCCore

/// Decodes the messages of an AddSession stream, of both packages: a batch of them at a time, as
/// `MessageBatches` makes them.
struct SessionRequestDeserializer: MessageDeserializer {
  func deserialize<Bytes: GRPCContiguousBytes>(_ batch: Bytes) throws -> [SessionRequestFields] {
    do {
      // SAFETY: the span does not leave the closure, within which the bytes stay where they are.
      return try unsafe batch.withUnsafeBytes { buffer in
        try unsafe buffer.withMemoryRebound(to: UInt8.self) {
          let bytes = unsafe $0.span
          var requests: [SessionRequestFields] = []
          requests.reserveCapacity(bytes.count / Self.usualLength + 1)
          try MessageBatch.forEach(in: bytes) { message throws(ProtobufError) in
            requests.append(try SessionRequestFields(decoding: message))
          }
          return requests
        }
      }
    } catch {
      throw RPCError(
        code: .invalidArgument, message: "a message of the stream is no SessionRequest: \(error)")
    }
  }

  /// Bytes of a request for IPv4 and what stands before it, about.
  private static let usualLength = 48
}
