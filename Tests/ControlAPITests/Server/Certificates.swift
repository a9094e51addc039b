import Config

/// A CA, a server's certificate for 127.0.0.1, and certificates of clients: one of that CA, one of another.
struct Certificates: Sendable {
  let folder: TestFolder

  init() async throws {
    folder = try TestFolder()
    for authority in ["ca", "other-ca"] {
      try await openssl(
        "req", "-x509", "-subj", "/CN=\(authority)", "-days", "2", "-nodes", "-newkey", "ec",
        "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", folder("\(authority).key"), "-out",
        folder("\(authority).pem"))
    }
    try await issue("server", by: "ca", "subjectAltName=IP:127.0.0.1,IP:::1")
    try await issue("client", by: "ca", "extendedKeyUsage=clientAuth")
    try await issue("stranger", by: "other-ca", "extendedKeyUsage=clientAuth")
  }

  private func issue(_ name: String, by authority: String, _ extensions: String) async throws {
    try await openssl(
      "req", "-x509", "-subj", "/CN=\(name)", "-days", "2", "-nodes", "-newkey", "ec",
      "-pkeyopt", "ec_paramgen_curve:P-256", "-addext", extensions, "-addext",
      "basicConstraints=critical,CA:false",
      "-CA", folder("\(authority).pem"), "-CAkey", folder("\(authority).key"),
      "-keyout", folder("\(name).key"), "-out", folder("\(name).pem"))
  }

  private func openssl(_ arguments: String...) async throws {
    let (output, status) = try await run("/usr/bin/openssl", arguments)
    guard status == 0 else { throw TestFolder.Failure(what: "openssl: \(output)") }
  }

  func listener(requiresClient: Bool = true, host: String = "127.0.0.1") -> TLSListener {
    TLSListener(
      host: host, port: 0, certificate: folder("server.pem"), key: folder("server.key"),
      clientCA: requiresClient ? folder("ca.pem") : nil, requiresClient: requiresClient)
  }
}
