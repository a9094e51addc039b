internal import Glibc

/// The address of a unix socket in the file system.
struct UnixAddress: Sendable {
  /// `sun_path` has 108 bytes, one of them for the zero at the end (unix(7)).
  static let longest = 107

  let path: String
  private let address: sockaddr_un

  /// - Throws: `ControlServerError` when the path is empty, too long or has a zero byte in it.
  init(_ path: String) throws(ControlServerError) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty else { throw .configuration("socket: the path is empty: name a file") }
    guard !bytes.contains(0) else { throw .configuration("socket: a zero byte in the path: name a file") }
    guard bytes.count <= Self.longest else {
      throw .configuration(
        "\(path): \(bytes.count) bytes, and the path of a socket has at most \(Self.longest): "
          + "choose a shorter one")
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: the count was checked above; the rest, one byte or more, stays zero.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in
      unsafe place.copyBytes(from: bytes)
    }
    self.path = path
    self.address = address
  }

  /// Calls `bind` or `connect` with it; 0 or -1 and `errno`.
  func with(_ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    // SAFETY: every socket address begins with a sockaddr; the length is that of what is pointed at.
    unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe call(generic, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
