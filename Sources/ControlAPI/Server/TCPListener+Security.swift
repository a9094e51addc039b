internal import Config
internal import GRPCNIOTransportHTTP2Posix
internal import Glibc
internal import NIOSSL

extension TCPListener {
  /// Reads the files now: the transport would only find out when it serves.
  ///
  /// - Throws: `ControlServerError` that names the field and the file.
  static func security(
    _ settings: TLSListener, _ name: String
  ) throws(ControlServerError) -> HTTP2ServerTransport.Posix.TransportSecurity {
    let chain = try certificates(settings.certificate, "\(name): certificate")
    guard !chain.isEmpty else {
      throw .configuration(
        "\(name): certificate: \(settings.certificate) has no certificate in it: accepted: PEM")
    }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(file: settings.key, format: .pem)
    } catch {
      throw unreadable(settings.key, "\(name): key", "a private key in PEM, without a passphrase")
    }
    var check = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    check.minimumTLSVersion = .tlsv12
    do {
      _ = try NIOSSLContext(configuration: check)
    } catch {
      throw .configuration("\(name): key: \(settings.key) is not that of \(settings.certificate)")
    }
    let certificate = TLSConfig.CertificateSource.file(path: settings.certificate, format: .pem)
    let source = TLSConfig.PrivateKeySource.file(path: settings.key, format: .pem)
    guard settings.requiresClient else { return .tls(certificateChain: [certificate], privateKey: source) }
    guard let authority = settings.clientCA else {
      throw .configuration("\(name): client_ca: missing: name the CA of clients, or write client_auth: none")
    }
    guard try !certificates(authority, "\(name): client_ca").isEmpty else {
      throw .configuration("\(name): client_ca: \(authority) has no certificate in it: accepted: PEM")
    }
    return .mTLS(certificateChain: [certificate], privateKey: source) { tls in
      tls.trustRoots = .certificates([.file(path: authority, format: .pem)])
    }
  }

  private static func certificates(
    _ path: String, _ field: String
  ) throws(ControlServerError) -> [NIOSSLCertificate] {
    do {
      return try NIOSSLCertificate.fromPEMFile(path)
    } catch {
      throw unreadable(path, field, "certificates in PEM")
    }
  }

  private static func unreadable(_ path: String, _ field: String, _ accepted: String) -> ControlServerError {
    guard unsafe access(path, R_OK) == 0 else {
      return .configuration("\(field): \(path): cannot be read: \(systemErrorText(systemError))")
    }
    return .configuration("\(field): \(path): accepted: \(accepted)")
  }
}
