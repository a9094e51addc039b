internal import Dataplane

extension APISettings {
  /// Reads `api` of a configuration; the defaults if it is absent.
  init(_ configuration: MappingReader, _ problems: inout ProblemList) {
    self.init()
    let keys = [
      "socket", "socket_mode", "socket_group", "ipv4_encoding", "lif", "report_deleted", "listen", "limits",
    ]
    guard let fields = configuration.mapping("api", keys: keys, &problems) else { return }
    readSocket(fields, &problems)
    ipv4Encoding = fields.choice("ipv4_encoding", among: IPv4Encoding.words, &problems) ?? ipv4Encoding
    let policies = LIFPolicy.allCases.map { ($0.rawValue, $0) }
    lifPolicy = fields.choice("lif", among: policies, &problems) ?? lifPolicy
    let answers = [("true", true), ("false", false)]
    reportsDeleted = fields.choice("report_deleted", among: answers, &problems) ?? reportsDeleted
    listeners = TLSListener.parse(fields, &problems)
    limits = APILimits(fields, &problems)
  }

  private mutating func readSocket(_ fields: MappingReader, _ problems: inout ProblemList) {
    socket = fields.filePath("socket", accepted: "the path of the control socket", &problems)
    if let socket, socket.utf8.count > Self.longestSocketPath {
      fields.refuse(
        "socket",
        "\(quoted(socket)) has \(socket.utf8.count) bytes; accepted: paths of up to "
          + "\(Self.longestSocketPath) bytes", &problems)
    }
    let modes = "four octal digits such as \"0660\", at most \"0777\""
    if let word = fields.word("socket_mode", accepted: modes, &problems) {
      if word.utf8.count == 4, let mode = UInt16(word, radix: 8), mode <= 0o777 {
        socketMode = mode
      } else {
        fields.refuse("socket_mode", "\(quoted(word)) is not a mode; accepted: \(modes)", &problems)
      }
    }
    let groups = "the name of a group"
    socketGroup = fields.text("socket_group", accepted: groups, &problems)
    if let group = socketGroup, group.isEmpty || group.utf8.contains(0) || group.utf8.contains(58) {
      fields.refuse("socket_group", "\(quoted(group)) is not a group; accepted: \(groups)", &problems)
    }
  }

  /// `sun_path` of unix(7) has 108 bytes with a zero at the end.
  private static let longestSocketPath = 107
}

extension IPv4Encoding {
  static let words = allCases.map { ($0.rawValue, $0) }
}

extension APILimits {
  /// Reads `limits` of `api`; the defaults if it is absent.
  init(_ api: MappingReader, _ problems: inout ProblemList) {
    self.init()
    let keys = Self.fields.map(\.key) + ["idle_seconds"]
    guard let fields = api.mapping("limits", keys: keys, &problems) else { return }
    for (key, field, largest) in Self.fields {
      let least: UInt64 = key == "message_bytes" ? 1024 : 1
      self[keyPath: field] =
        fields.integer(key, in: least...largest, &problems).map { Int($0) } ?? self[keyPath: field]
    }
    idleSeconds = fields.integer("idle_seconds", in: 1...86_400, &problems) ?? idleSeconds
  }

  private static var fields: [(key: String, field: WritableKeyPath<APILimits, Int>, largest: UInt64)] {
    [
      ("sessions_per_stream", \.sessionsPerStream, 1_000_000), ("connections", \.connections, 65_536),
      ("calls_per_connection", \.callsPerConnection, 65_536), ("message_bytes", \.messageBytes, 64 << 20),
      ("page_size", \.pageSize, 65_536),
    ]
  }
}
