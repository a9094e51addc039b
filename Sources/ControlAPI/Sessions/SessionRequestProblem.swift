/// Why a request is refused: which field, what is wrong with it, and the value it has. Its text is made only
/// for those that are told.
package struct SessionRequestProblem: Error, Hashable, Sendable, BitwiseCopyable {
  package enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// An id with bit 63 set, or bit 62.
    case isCursor, isServers
    /// A LIF number without a port, and a VLAN above 4094.
    case unknownLIF, badVLAN
    /// A number that the enumeration has no name for.
    case unknownNumber
    /// An IPv6 field with IPv4, and an IPv4 field with IPv6.
    case needsIPv6, needsIPv4
    /// An IPv6 address that is not of 16 bytes.
    case badLength
    case portTooLarge
    /// A field that must be there.
    case isMissing
    /// MIRROR or SNOOP without a next hop, and with two.
    case lacksNextHop, hasTwoNextHops
    case timeoutTooLong
  }

  package var field: RequestField
  package var kind: Kind
  /// The number, or the length in bytes, that is refused.
  package var value: UInt64

  package init(_ field: RequestField, _ kind: Kind) {
    self.init(field, kind, 0)
  }

  package init(_ field: RequestField, _ kind: Kind, _ value: some BinaryInteger) {
    self.field = field
    self.kind = kind
    self.value = UInt64(truncatingIfNeeded: value)
  }

  /// A sentence without full stop: the field's name, its value, what would do instead.
  package func text(_ rules: SessionRequestRules, in generation: Generation) -> String {
    "\(field.name(in: generation)) \(complaint(rules, generation))"
  }

  private func complaint(_ rules: SessionRequestRules, _ generation: Generation) -> String {
    switch kind {
    case .isCursor: "\(value) is a page cursor; accepted: 0 (the server assigns) to 2^62-1"
    case .isServers: "\(value) has bit 62 set, which only the server's ids have; accepted: 0 to 2^62-1"
    case .unknownLIF: "names LIF \(value), which is not configured; accepted: \(rules.acceptedLIFs)"
    case .badVLAN: "has VLAN \(value) in its high 16 bits; accepted: 0 (untagged) to 4094"
    case .unknownNumber: "\(Int64(truncatingIfNeeded: value)) is not known; accepted: \(acceptedNumbers)"
    case .needsIPv6: "has \(value) bytes, but \(version(generation)) is _IPV4; leave it empty"
    case .needsIPv4: "is \(value), but \(version(generation)) is _IPV6; leave it 0"
    case .badLength: "has \(value) bytes; an IPv6 address has 16"
    case .portTooLarge: "\(value) is above 65535"
    case .isMissing: "is not set; accepted: \(acceptedNumbers)"
    case .lacksNextHop: "is not set; MIRROR and SNOOP need the address that copies go to"
    case .hasTwoNextHops: "is set beside \(RequestField.nextHop.name(in: generation)); keep one of them"
    case .timeoutTooLong: "\(value) is above \(rules.cacheMaximum) seconds"
    }
  }

  private func version(_ generation: Generation) -> String {
    RequestField.ipVersion.name(in: generation)
  }

  private var acceptedNumbers: String {
    switch field {
    case .ipVersion: "0 (_IPV4), 1 (_IPV6)"
    case .protocolID: "6 (_TCP), 17 (_UDP)"
    case .actionType: "0 (_DROP), 1 (_FORWARD), 2 (_MIRROR), 3 (_SNOOP)"
    default: "a message with an action type, of which 0 is _DROP"
    }
  }
}
