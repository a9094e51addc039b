/// Reads the fields of one protobuf message, https://protobuf.dev/programming-guides/encoding.
///
/// Takes and refuses exactly what the library's own decoder does, so that a request means the same whoever
/// decodes it; the tests compare the two.
struct ProtobufReader: ~Escapable {
  /// How a field's value is laid out: the low three bits of its tag.
  enum WireType: UInt8 { case varint, fixed64, bytes, startGroup, endGroup, fixed32 }

  /// A field's number and layout, as read before its value.
  struct Tag {
    var number: UInt32
    var type: WireType
  }

  private let bytes: Span<UInt8>
  private var position = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  /// The next field's tag as one number, `number << 3 | type`; nil at the end of the message.
  @inline(__always)
  mutating func tag() throws(ProtobufError) -> UInt32? {
    guard position < bytes.count else { return nil }
    // All tags of the session messages are of one byte.
    let first = bytes[position]
    guard first >= 0x80 else {
      position += 1
      return UInt32(first)
    }
    return try longTag()
  }

  /// A tag of two to five bytes; more are refused, as is one that does not fit 32 bits.
  @inline(never)
  private mutating func longTag() throws(ProtobufError) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<5 {
      guard position < bytes.count else { throw .truncated }
      let byte = bytes[position]
      position += 1
      if index == 4, byte > 0x0F { throw .malformed }
      value |= UInt32(byte & 0x7F) << UInt32(7 * index)
      if byte < 0x80 { return value }
    }
    throw .malformed
  }

  /// A varint of at most ten bytes; bits above 64 are lost.
  @inline(__always)
  mutating func varint() throws(ProtobufError) -> UInt64 {
    guard position < bytes.count else { throw .truncated }
    let first = bytes[position]
    position += 1
    return first < 0x80 ? UInt64(first) : try longVarint(first)
  }

  @inline(never)
  private mutating func longVarint(_ first: UInt8) throws(ProtobufError) -> UInt64 {
    var value = UInt64(first & 0x7F)
    var shift: UInt64 = 7
    while shift <= 63 {
      guard position < bytes.count else { throw .truncated }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw .malformed
  }

  /// The bytes of a length-delimited field.
  @inline(__always)
  @_lifetime(copy self)
  mutating func field() throws(ProtobufError) -> Span<UInt8> {
    let count = try length()
    let start = position
    position += count
    return bytes.extracting(start..<position)
  }

  /// The length that a length-delimited field begins with: so many bytes are there.
  @inline(__always)
  private mutating func length() throws(ProtobufError) -> Int {
    let length = try varint()
    guard length <= UInt64(bytes.count - position) else { throw .truncated }
    return Int(length)
  }

  /// Passes over the value of a field that is not known, or not laid out as it should be.
  @inline(never)
  mutating func skip(_ raw: UInt32, depth: Int = ProtobufReader.deepest) throws(ProtobufError) {
    let tag = try Tag(raw)
    switch tag.type {
    case .varint: _ = try varint()
    case .fixed64: try advance(8)
    case .bytes: try advance(length())
    case .fixed32: try advance(4)
    case .endGroup: throw .malformed
    case .startGroup:
      guard depth > 0 else { throw .malformed }
      while true {
        let inner = try varint()
        guard inner < UInt64(UInt32.max) else { throw .malformed }
        let end = try Tag(UInt32(inner))
        if end.type == .endGroup {
          guard end.number == tag.number else { throw .malformed }
          return
        }
        try skip(UInt32(inner), depth: depth - 1)
      }
    }
  }

  private mutating func advance(_ count: Int) throws(ProtobufError) {
    guard count <= bytes.count - position else { throw .truncated }
    position += count
  }

  /// Groups within groups that are passed over in a message of the first level; the library's own limit, of
  /// messages and groups together, is 100.
  static let deepest = 99
}

extension ProtobufReader.Tag {
  /// - Throws: `.malformed` for field number 0 and for layouts 6 and 7, which do not exist.
  init(_ raw: UInt32) throws(ProtobufError) {
    guard raw >= 8, let type = ProtobufReader.WireType(rawValue: UInt8(raw & 7)) else { throw .malformed }
    self.init(number: raw >> 3, type: type)
  }
}

/// Bytes that are no protobuf message.
package enum ProtobufError: Error, CustomStringConvertible {
  /// They end within a field.
  case truncated
  /// A tag, varint or group that cannot be.
  case malformed

  package var description: String {
    switch self {
    case .truncated: "it ends within a field"
    case .malformed: "it has a tag, varint or group that protobuf does not have"
    }
  }
}
