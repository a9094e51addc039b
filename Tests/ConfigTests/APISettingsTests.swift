import Config
import Testing

@Suite("The api mapping")
struct APISettingsTests {
  private func api(_ text: String, file: String = "dir/x.yaml") throws -> APISettings {
    try Configuration.parse("api: { \(text) }", file: file).api
  }

  @Test func `every key is honoured`() throws {
    let api = try api(
      """
      socket: /run/s.sock, socket_mode: "0600", socket_group: sluice, ipv4_encoding: host, lif: opaque,
        report_deleted: true,
        listen: [{ address: "[2001:db8::1]:3443", certificate: c.pem, key: /k.pem, client_ca: ca.pem,
          client_auth: required, ipv4_encoding: inet_pton }],
        limits: { sessions_per_stream: 1, connections: 2, calls_per_connection: 3, message_bytes: 4096,
          page_size: 5, idle_seconds: 6 }
      """)
    #expect(api.socket == "/run/s.sock" && api.socketMode == 0o600 && api.socketGroup == "sluice")
    #expect(api.ipv4Encoding == .host && api.lifPolicy == .opaque && api.reportsDeleted)
    #expect(
      api.listeners == [
        TLSListener(
          host: "2001:db8::1", port: 3443, certificate: "dir/c.pem", key: "/k.pem", clientCA: "dir/ca.pem",
          requiresClient: true, ipv4Encoding: .inetPton)
      ])
    let limits = api.limits
    #expect(limits.sessionsPerStream == 1 && limits.connections == 2 && limits.callsPerConnection == 3)
    #expect(limits.messageBytes == 4096 && limits.pageSize == 5 && limits.idleSeconds == 6)
  }

  @Test func `paths start at the configuration file`() throws {
    #expect(try api("socket: s.sock").socket == "dir/s.sock")
    #expect(try api("socket: s.sock", file: "x.yaml").socket == "s.sock")
  }

  @Test(arguments: [("0660", 0o660), ("\"0777\"", 0o777), ("'0000'", 0)])
  func `a mode may be quoted or not`(text: String, mode: UInt16) throws {
    #expect(try api("socket_mode: \(text)").socketMode == mode)
  }

  @Test func `a server that asks for no certificate of a client must be written out`() throws {
    let listener = "address: 127.0.0.1:1, certificate: c, key: k"
    #expect(
      refusals("api: { listen: [{ \(listener) }] }") == [
        "x.yaml:1:17: api.listen[0].client_ca: is missing; accepted: the path of a PEM file with the CAs of "
          + "clients, or client_auth: none where anybody may connect"
      ])
    #expect(try api("listen: [{ \(listener), client_auth: none }]").listeners.first?.requiresClient == false)
    #expect(
      refusals("api: { listen: [{ \(listener), client_auth: none, client_ca: x }] }") == [
        "x.yaml:1:95: api.listen[0].client_ca: has no effect with client_auth: none; remove one of them"
      ])
  }

  @Test(arguments: [
    "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", ":3443", "localhost:3443", "::1:3443",
    "[127.0.0.1]:3443", "[::1]", "[::1:3443", "127.0.0.1:+1", "127.0.0.1:http",
  ])
  func `what is no address is refused`(address: String) {
    #expect(
      refusals("api: { listen: [{ address: '\(address)', certificate: c, key: k, client_ca: a }] }") == [
        "x.yaml:1:28: api.listen[0].address: \"\(address)\" is no address; accepted: a numeric address and a "
          + "port such as 192.0.2.1:3443 or \"[::1]:3443\""
      ])
  }

  @Test func `one address twice is refused`() {
    let listener = "{ address: 127.0.0.1:1, certificate: c, key: k, client_ca: a }"
    #expect(
      refusals("api:\n  listen:\n    - \(listener)\n    - \(listener)\n") == [
        "x.yaml:4:18: api.listen[1].address: is listed twice; accepted: unique addresses"
      ])
  }

  @Test(arguments: [
    ("socket: ''", "1:16: api.socket: \"\" is not a file name; accepted: the path of the control socket"),
    (
      "socket_mode: 660",
      "1:21: api.socket_mode: \"660\" is not a mode; accepted: four octal digits such as \"0660\", at most "
        + "\"0777\""
    ),
    (
      "socket_mode: '1777'",
      "1:21: api.socket_mode: \"1777\" is not a mode; accepted: four octal digits such as \"0660\", at most "
        + "\"0777\""
    ),
    (
      "socket_group: 5",
      "1:22: api.socket_group: 5 is not text, quote it if it is meant; accepted: the name of a group"
    ),
    ("lif: any", "1:13: api.lif: \"any\" is not one of strict, opaque"),
    ("ipv4_encoding: network", "1:23: api.ipv4_encoding: \"network\" is not one of inet_pton, host"),
    ("report_deleted: maybe", "1:24: api.report_deleted: \"maybe\" is not one of true, false"),
    ("limits: { connections: 0 }", "1:31: api.limits.connections: 0 is out of range; accepted: 1...65536"),
    (
      "limits: { message_bytes: 100 }",
      "1:33: api.limits.message_bytes: 100 is out of range; accepted: 1024...67108864"
    ),
    (
      "limits: { conections: 1 }",
      "1:18: api.limits: unknown key \"conections\", did you mean \"connections\"? accepted: "
        + "sessions_per_stream, connections, calls_per_connection, message_bytes, page_size, idle_seconds"
    ),
    (
      "sockets: a",
      "1:8: api: unknown key \"sockets\", did you mean \"socket\"? accepted: socket, socket_mode, "
        + "socket_group, ipv4_encoding, lif, report_deleted, listen, limits"
    ),
  ])
  func `wrong values are refused`(fields: String, message: String) {
    #expect(refusals("api: { \(fields) }") == ["x.yaml:" + message])
  }

  @Test func `a path that no socket can have is refused`() {
    let lines = refusals("api: { socket: /\(String(repeating: "a", count: 107)) }")
    #expect(lines.count == 1 && lines[0].hasSuffix("has 108 bytes; accepted: paths of up to 107 bytes"))
    #expect(refusals("api: { socket: /\(String(repeating: "a", count: 106)) }").isEmpty)
  }
}
