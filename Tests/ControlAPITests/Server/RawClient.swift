import Glibc

/// A connection to a unix socket that sends bytes, not calls.
final class RawClient: Sendable {
  private let descriptor: CInt

  /// What a client of HTTP/2 begins with: the preface and empty SETTINGS (RFC 9113 3.4).
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    guard Self.with(path, { connect(descriptor, $0, $1) }) == 0 else {
      throw TestFolder.Failure(what: "no connection to \(path): \(errno)")
    }
  }

  deinit { close(descriptor) }

  /// A bound socket of somebody else; listens when told to.
  static func bound(_ path: String, listening: Bool) throws -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    guard with(path, { bind(descriptor, $0, $1) }) == 0, !listening || listen(descriptor, 1) == 0 else {
      throw TestFolder.Failure(what: "cannot bind \(path): \(errno)")
    }
    return descriptor
  }

  private static func with(_ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// Whether all of it could be sent.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
  }

  /// Whether the server sends something within so many milliseconds.
  func receives(within milliseconds: CInt) async throws -> Bool {
    try await aside {
      var bytes = [UInt8](repeating: 0, count: 4096)
      return self.isReadable(milliseconds) && recv(self.descriptor, &bytes, bytes.count, 0) > 0
    }
  }

  /// Whether the server closes the connection within so many milliseconds; what it sends until then is read.
  func isClosed(within milliseconds: CInt) async throws -> Bool {
    try await aside {
      let deadline = ContinuousClock.now + .milliseconds(Int(milliseconds))
      var bytes = [UInt8](repeating: 0, count: 4096)
      while ContinuousClock.now < deadline {
        if self.isReadable(10), recv(self.descriptor, &bytes, bytes.count, 0) <= 0 { return true }
      }
      return false
    }
  }

  private func isReadable(_ milliseconds: CInt) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, milliseconds) > 0
  }
}
