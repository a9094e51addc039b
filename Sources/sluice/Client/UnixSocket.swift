import Foundation

/// A unix socket of this process's own, for a moment. Swift's NIO is not asked for these: it starts threads.
struct UnixSocket: ~Copyable {
  private let descriptor: Int32

  /// - Returns: nil when the system has none to give; `errno` says why.
  init?(type: __socket_type) {
    descriptor = socket(AF_UNIX, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
  }

  deinit { close(descriptor) }

  /// Connects to the socket at `path`; an `@` at its start stands for the abstract namespace.
  ///
  /// - Returns: 0, or `errno`. `ENAMETOOLONG` when the path is longer than ``longestPath``.
  func connect(to path: String) -> Int32 {
    var bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= Self.longestPath else { return ENAMETOOLONG }
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: `bytes` is at most as long as sun_path less its terminator, which stays zero.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + bytes.count } ?? 0
    // SAFETY: the address outlives the call, and `length` bytes of it are set.
    let result = unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(length))
      }
    }
    return result == 0 ? 0 : errno
  }

  /// Sends a text; nothing is done when that fails.
  func send(_ text: String) {
    _ = unsafe Glibc.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
  }

  /// `sun_path` has 108 bytes, the last of which is 0.
  static let longestPath = 107
}
