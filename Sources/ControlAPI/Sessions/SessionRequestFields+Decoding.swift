extension SessionRequestFields {
  /// The fields of an encoded SessionRequest. Of a field that is there twice the last one counts, but two
  /// `action` messages are one with the fields of both.
  ///
  /// Fields that are unknown, or not laid out as they should be, are passed over.
  package init(decoding bytes: Span<UInt8>) throws(ProtobufError) {
    self.init()
    var reader = ProtobufReader(bytes)
    while let tag = try reader.tag() {
      switch tag {
      case Tag.sessionID: sessionID = try reader.varint()
      case Tag.inLIF: inLIF = Int32(truncatingIfNeeded: try reader.varint())
      case Tag.outLIF: outLIF = Int32(truncatingIfNeeded: try reader.varint())
      case Tag.ipVersion: ipVersion = Int32(truncatingIfNeeded: try reader.varint())
      case Tag.sourceIPv4: sourceIPv4 = UInt32(truncatingIfNeeded: try reader.varint())
      case Tag.sourceIPv6: sourceIPv6 = AddressBytes(try reader.field())
      case Tag.sourcePort: sourcePort = UInt32(truncatingIfNeeded: try reader.varint())
      case Tag.destinationIPv4: destinationIPv4 = UInt32(truncatingIfNeeded: try reader.varint())
      case Tag.destinationIPv6: destinationIPv6 = AddressBytes(try reader.field())
      case Tag.destinationPort: destinationPort = UInt32(truncatingIfNeeded: try reader.varint())
      case Tag.protocolID: protocolID = Int32(truncatingIfNeeded: try reader.varint())
      case Tag.action: try decodeAction(reader.field())
      case Tag.cacheTimeout: cacheTimeout = UInt32(truncatingIfNeeded: try reader.varint())
      default: try reader.skip(tag)
      }
    }
  }

  private mutating func decodeAction(_ bytes: Span<UInt8>) throws(ProtobufError) {
    hasAction = true
    var reader = ProtobufReader(bytes)
    while let tag = try reader.tag() {
      switch tag {
      case ActionTag.type: actionType = Int32(truncatingIfNeeded: try reader.varint())
      case ActionTag.nextHopIPv4: nextHopIPv4 = UInt32(truncatingIfNeeded: try reader.varint())
      case ActionTag.nextHopIPv6: nextHopIPv6 = AddressBytes(try reader.field())
      default: try reader.skip(tag, depth: ProtobufReader.deepest - 1)
      }
    }
  }

  /// Tags of `SessionRequest`: a field's number times 8, and 0 for a varint or 2 for bytes.
  private enum Tag {
    static let sessionID: UInt32 = 1 << 3
    static let inLIF: UInt32 = 2 << 3
    static let outLIF: UInt32 = 3 << 3
    static let ipVersion: UInt32 = 4 << 3
    static let sourceIPv4: UInt32 = 5 << 3
    static let sourceIPv6: UInt32 = 6 << 3 | 2
    static let sourcePort: UInt32 = 7 << 3
    static let destinationIPv4: UInt32 = 8 << 3
    static let destinationIPv6: UInt32 = 9 << 3 | 2
    static let destinationPort: UInt32 = 10 << 3
    static let protocolID: UInt32 = 11 << 3
    static let action: UInt32 = 12 << 3 | 2
    static let cacheTimeout: UInt32 = 13 << 3
  }

  /// Tags of `ActionParameters`.
  private enum ActionTag {
    static let type: UInt32 = 1 << 3
    static let nextHopIPv4: UInt32 = 2 << 3
    static let nextHopIPv6: UInt32 = 3 << 3 | 2
  }
}
