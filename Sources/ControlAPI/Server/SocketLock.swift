internal import Glibc

/// The lock file beside a control socket: held for life, so that of two daemons one finds out.
///
/// The kernel drops the lock with the process, whatever ends it; a lock file that lies about means nothing.
final class SocketLock: Sendable {
  private let path: String
  private let descriptor: CInt

  /// - Throws: `ControlServerError` when another process holds it.
  init(for socket: String) throws(ControlServerError) {
    path = socket + ".lock"
    // Whoever held the file before may remove it between our opening and locking it: then it is another's.
    for _ in 0..<100 {
      // SAFETY: here and below, a string that the call gets lives as long as the call.
      let file = unsafe OwnedDescriptor(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600))
      guard file.number >= 0 else {
        throw .failed(
          "\(path): cannot be opened, and must be to claim the socket: \(systemErrorText(systemError))")
      }
      guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
        let number = systemError
        guard number == EWOULDBLOCK else {
          throw .failed("\(path): cannot be locked: \(systemErrorText(number))")
        }
        throw .failed(
          "\(socket): another sluice serves it: stop that one, or choose another path with --socket")
      }
      if let held = FileNode(descriptor: file.number), held == FileNode(path: path) {
        descriptor = file.take()
        return
      }
    }
    throw .failed("\(path): others keep removing it: who else starts here?")
  }

  deinit {
    // While it is still locked, so that nobody removes a file that another has locked since.
    if let held = FileNode(descriptor: descriptor), held == FileNode(path: path) { unsafe unlink(path) }
    close(descriptor)
  }
}

/// Which file a descriptor or a path has, without following links.
struct FileNode: Hashable, Sendable {
  let isSocket: Bool
  private let device: dev_t
  private let number: ino_t

  init?(descriptor: CInt) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// nil when there is nothing of that name.
  init?(path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    isSocket = status.st_mode & S_IFMT == S_IFSOCK
    device = status.st_dev
    number = status.st_ino
  }
}
