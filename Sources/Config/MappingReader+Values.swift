internal import Dataplane
internal import Yams

extension MappingReader {
  /// An integer in decimal, or in hexadecimal after `0x`; never quoted, signed or with a fraction.
  func integer<Number: FixedWidthInteger & UnsignedInteger>(
    _ key: String, in range: ClosedRange<Number>, _ problems: inout ProblemList
  ) -> Number? {
    guard let node = node(key) else { return nil }
    let accepted = "accepted: \(range.lowerBound)...\(range.upperBound)"
    guard case .scalar(let scalar) = node, !scalar.isNull else {
      refuse(key, "\(found(node)) is not an integer; \(accepted)", &problems)
      return nil
    }
    guard scalar.isPlain else {
      refuse(
        key, "\(quoted(scalar.string)) is text, write the integer without quotes; \(accepted)", &problems)
      return nil
    }
    switch IntegerText(scalar.string) {
    case .value(let value):
      if let number = Number(exactly: value), range.contains(number) { return number }
      refuse(key, "\(scalar.string) is out of range; \(accepted)", &problems)
    case .outOfRange:
      refuse(key, "\(brief(scalar.string)) is out of range; \(accepted)", &problems)
    case .leadingZero:
      refuse(key, "\(brief(scalar.string)) has a leading zero, write it without; \(accepted)", &problems)
    case .notAnInteger:
      refuse(key, "\(quoted(scalar.string)) is not an integer; \(accepted)", &problems)
    }
    return nil
  }

  /// A string that cannot be taken for a number, boolean or null: those must be quoted.
  func text(_ key: String, accepted: String, _ problems: inout ProblemList) -> String? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let scalar) = node, !scalar.isNull else {
      refuse(key, "\(found(node)) is not text; accepted: \(accepted)", &problems)
      return nil
    }
    if scalar.isPlain, looksTyped(scalar.string) {
      refuse(key, "\(scalar.string) is not text, quote it if it is meant; accepted: \(accepted)", &problems)
      return nil
    }
    return scalar.string
  }

  /// What a value says as it was written, be it a number or a word.
  func word(_ key: String, accepted: String, _ problems: inout ProblemList) -> String? {
    guard let node = node(key) else { return nil }
    if case .scalar(let scalar) = node, !scalar.isNull { return scalar.string }
    refuse(key, "\(found(node)) is not one value; accepted: \(accepted)", &problems)
    return nil
  }

  /// A path as the process can open it: relative ones start at the directory of the configuration file.
  func filePath(_ key: String, accepted: String, _ problems: inout ProblemList) -> String? {
    guard let path = text(key, accepted: accepted, &problems) else { return nil }
    guard !path.isEmpty, !path.utf8.contains(0) else {
      refuse(key, "\(quoted(path)) is not a file name; accepted: \(accepted)", &problems)
      return nil
    }
    guard !path.hasPrefix("/"), let slash = problems.file.lastIndex(of: "/") else { return path }
    return problems.file[...slash] + path
  }

  /// Whether the value is there and says nothing: `key:` alone means absent where a mapping is wanted.
  func isNull(_ key: String) -> Bool {
    guard case .scalar(let scalar)? = node(key) else { return false }
    return scalar.isNull
  }

  /// A mapping under `key` with some keys; nil if it is absent, empty or wrong.
  func mapping(_ key: String, keys: [String], _ problems: inout ProblemList) -> MappingReader? {
    guard let node = node(key), !isNull(key) else { return nil }
    return MappingReader(node, path(of: key), keys: keys, problems: &problems)
  }

  /// One of some words: spelt exactly, or as the API's proto names are when `isProtoName`
  /// (any case, with or without the leading underscore).
  func choice<Value>(
    _ key: String, among choices: [(word: String, value: Value)], isProtoName: Bool = false,
    _ problems: inout ProblemList
  ) -> Value? {
    guard let node = node(key) else { return nil }
    if case .scalar(let scalar) = node {
      let word = isProtoName ? Self.protoWord(scalar.string) : scalar.string
      if let choice = choices.first(where: { $0.word == word }) { return choice.value }
    }
    let words = choices.map(\.word).joined(separator: ", ")
    refuse(key, "\(found(node)) is not one of \(words)", &problems)
    return nil
  }

  private static func protoWord(_ text: String) -> String {
    (text.hasPrefix("_") ? String(text.dropFirst()) : text).uppercased()
  }

  /// An address of `family`, or of either.
  func address(
    _ key: String, family: IPAddress.Family? = nil, _ problems: inout ProblemList
  ) -> IPAddress? {
    guard let node = node(key) else { return nil }
    let address = node.scalar.flatMap { IPAddress(text: $0.string) }
    if let address, family == nil || address.family == family { return address }
    let wanted =
      switch family {
      case .ipv4: "an IPv4 address such as 192.0.2.1"
      case .ipv6: "an IPv6 address such as 2001:db8::1"
      case nil: "an address such as 192.0.2.1 or 2001:db8::1"
      }
    refuse(key, "\(found(node)) is not \(wanted)", &problems)
    return nil
  }

  /// A MAC address that is not all zero; a single station's if `isStation`.
  func macAddress(
    _ key: String, isStation: Bool = false, _ problems: inout ProblemList
  ) -> MACAddress? {
    guard let node = node(key) else { return nil }
    guard let address = node.scalar.flatMap({ MACAddress(text: $0.string) }), address.value != 0 else {
      refuse(key, "\(found(node)) is not a MAC address such as 02:00:00:00:00:01", &problems)
      return nil
    }
    if isStation, address.isGroup {
      refuse(key, "\(address) is a group address; accepted: one whose first octet is even", &problems)
      return nil
    }
    return address
  }

  /// The elements of a list; none if the key is absent or has nothing after it.
  func list(_ key: String, _ problems: inout ProblemList) -> [Node] {
    guard let node = node(key) else { return [] }
    switch node {
    case .sequence(let sequence): return Array(sequence)
    case .scalar(let scalar) where scalar.isNull: return []
    default:
      refuse(key, "\(found(node)) is not a list; accepted: one \"- \" entry a line, or []", &problems)
      return []
    }
  }

  private func looksTyped(_ text: String) -> Bool {
    if case .notAnInteger = IntegerText(text) {} else { return true }
    return Double(text) != nil || ["true", "false", "yes", "no", "on", "off"].contains(text.lowercased())
  }

  private func brief(_ text: String) -> String {
    text.utf8.count > 40 ? text.prefix(40) + "…" : text
  }
}

/// What a plain scalar says as an integer.
private enum IntegerText {
  case value(UInt64)
  /// An integer, but negative or above 2^64 - 1.
  case outOfRange
  /// YAML 1.1 reads it as octal, YAML 1.2 as decimal.
  case leadingZero
  case notAnInteger

  init(_ text: String) {
    let isNegative = text.utf8.first == UInt8(ascii: "-")
    let digits = isNegative ? text.dropFirst() : text[...]
    let isHex = digits.hasPrefix("0x")
    let body = isHex ? digits.dropFirst(2) : digits
    guard !body.isEmpty, body.utf8.allSatisfy({ hexadecimal([$0], digits: 1...1) != nil }) else {
      self = .notAnInteger
      return
    }
    guard isHex || body.utf8.allSatisfy({ $0 <= UInt8(ascii: "9") }) else {
      self = .notAnInteger
      return
    }
    if !isHex, body.utf8.count > 1, body.utf8.first == UInt8(ascii: "0") {
      self = .leadingZero
    } else if !isNegative, let value = UInt64(body, radix: isHex ? 16 : 10) {
      self = .value(value)
    } else {
      self = .outOfRange
    }
  }
}
