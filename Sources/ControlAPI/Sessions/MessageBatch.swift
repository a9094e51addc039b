/// Messages of a call that came together: what `MessageBatches` makes one message of. Each has before it what
/// it had on the wire: a byte of flags and four of length, in network order.
package struct MessageBatch: Sendable {
  /// Bytes before each message.
  package static let prefix = 5

  /// Calls `body` with each message of a batch, in order.
  ///
  /// - Throws: what `body` throws; `ProtobufError.truncated` when a length leads beyond the end.
  package static func forEach(
    in batch: Span<UInt8>, _ body: (Span<UInt8>) throws(ProtobufError) -> Void
  ) throws(ProtobufError) {
    var position = 0
    while position < batch.count {
      guard batch.count - position >= prefix else { throw .truncated }
      var length = 0
      for index in 1..<prefix { length = length << 8 | Int(batch[position + index]) }
      position += prefix
      guard length <= batch.count - position else { throw .truncated }
      try body(batch.extracting(position..<position + length))
      position += length
    }
  }
}
