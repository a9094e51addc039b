internal import Dataplane

extension TLSListener {
  /// Reads `listen` of `api`.
  static func parse(_ api: MappingReader, _ problems: inout ProblemList) -> [TLSListener] {
    var listeners: [TLSListener] = []
    for (index, node) in api.list("listen", &problems).enumerated() {
      let path = FieldPath.element(api.path(of: "listen"), index)
      guard let fields = MappingReader(node, path, keys: keys, problems: &problems),
        let listener = TLSListener(fields, &problems)
      else { continue }
      if listeners.contains(where: { $0.host == listener.host && $0.port == listener.port }) {
        fields.refuse("address", "is listed twice; accepted: unique addresses", &problems)
      }
      listeners.append(listener)
    }
    return listeners
  }

  /// - Returns: nil when something that it cannot be without is missing or wrong.
  private init?(_ fields: MappingReader, _ problems: inout ProblemList) {
    fields.require("address", accepted: Self.address, &problems)
    fields.require("certificate", accepted: Self.chain, &problems)
    fields.require("key", accepted: Self.privateKey, &problems)
    let place = fields.word("address", accepted: Self.address, &problems).flatMap { word in
      let place = Self.place(word)
      if place == nil {
        fields.refuse("address", "\(quoted(word)) is no address; accepted: \(Self.address)", &problems)
      }
      return place
    }
    let certificate = fields.filePath("certificate", accepted: Self.chain, &problems)
    let key = fields.filePath("key", accepted: Self.privateKey, &problems)
    let clientCA = fields.filePath("client_ca", accepted: Self.authorities, &problems)
    let requiresClient =
      fields.choice("client_auth", among: [("required", true), ("none", false)], &problems) ?? true
    if requiresClient, !fields.has("client_ca") {
      problems.add(
        "is missing; accepted: \(Self.authorities), or client_auth: none where anybody may connect",
        at: fields.mark, fields.path(of: "client_ca"))
    } else if !requiresClient, fields.has("client_ca") {
      fields.refuse("client_ca", "has no effect with client_auth: none; remove one of them", &problems)
    }
    let encoding = fields.choice("ipv4_encoding", among: IPv4Encoding.words, &problems)
    guard let place, let certificate, let key else { return nil }
    self.init(
      host: place.host, port: place.port, certificate: certificate, key: key, clientCA: clientCA,
      requiresClient: requiresClient, ipv4Encoding: encoding)
  }

  /// `192.0.2.1:3443` or `[2001:db8::1]:3443`.
  private static func place(_ text: String) -> (host: String, port: UInt16)? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits), port > 0 else {
      return nil
    }
    let isBracketed = text.first == "[" && text[..<colon].last == "]"
    let host = isBracketed ? String(text[..<colon].dropFirst().dropLast()) : String(text[..<colon])
    guard let address = IPAddress(text: host), (address.family == .ipv6) == isBracketed else { return nil }
    return (host, port)
  }

  private static let address = "a numeric address and a port such as 192.0.2.1:3443 or \"[::1]:3443\""
  private static let chain = "the path of a PEM file with the server's certificate chain"
  private static let privateKey = "the path of a PEM file with the server's private key"
  private static let authorities = "the path of a PEM file with the CAs of clients"
  private static let keys = [
    "address", "certificate", "key", "client_ca", "client_auth", "ipv4_encoding",
  ]
}
