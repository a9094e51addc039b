public import Dataplane

extension IPPrefix {
  /// Reads `ADDRESS/LENGTH`, or an address alone for itself; nil for anything else, and for an address with
  /// bits behind the prefix.
  public init?(text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let address = parts.first.flatMap({ IPAddress(text: String($0)) }), parts.count <= 2 else {
      return nil
    }
    let width = address.family == .ipv4 ? 32 : 128
    guard let length = parts.count == 1 ? width : Self.length(parts[1]) else { return nil }
    self.init(address, length: length)
    guard first == address else { return nil }
  }

  /// One to three digits.
  private static func length(_ text: Substring) -> Int? {
    guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else {
      return nil
    }
    return Int(text)
  }
}
