internal import Glibc
internal import Synchronization

/// The control socket: a listening unix socket with its permissions, that no other daemon has.
///
/// A live daemon is never displaced: its lock is respected, and a socket that somebody answers is left alone.
/// Nobody can connect before mode and group are set. Removed when it is let go.
final class ControlSocket: Sendable {
  /// Where clients look when nothing else is said, and where we make the directory.
  static let defaultPath = "/run/sluice/control.sock"

  let path: String
  /// The file's group: its members may connect.
  let group: gid_t
  /// Listens; whoever serves takes it over and closes it.
  let descriptor: CInt
  private let lock: SocketLock
  private let node: FileNode?
  private let isRemoved = Atomic<Bool>(false)

  /// Waiting connections: as many as the kernel allows (net.core.somaxconn) up to this.
  private static let backlog: CInt = 1024

  /// - Parameters:
  ///   - mode: the file's permissions.
  ///   - group: a name or number; nil for the process's own.
  init(_ path: String, mode: UInt16, group: String?) throws(ControlServerError) {
    let address = try UnixAddress(path)
    self.path = path
    self.group = try Self.group(group)
    if path == Self.defaultPath { try Self.makeDirectory() }
    lock = try SocketLock(for: path)
    try Self.clear(address)
    let socket = try Self.bound(address)
    node = FileNode(path: path)
    do throws(ControlServerError) {
      try Self.permit(path, mode: mode, group: self.group)
      guard listen(socket.number, Self.backlog) == 0 else {
        throw .failed("\(path): cannot listen: \(systemErrorText(systemError))")
      }
    } catch {
      unsafe unlink(path)
      throw error
    }
    descriptor = socket.take()
  }

  /// Removes the socket and its lock; nothing the second time.
  func remove() {
    guard !isRemoved.exchange(true, ordering: .relaxed) else { return }
    // Somebody may have removed ours and put another in its place.
    if let node, node == FileNode(path: path) { unsafe unlink(path) }
    lock.release()
  }

  deinit { remove() }

  /// Listens with room for `backlog` clients, if the socket still does; once it is served.
  func deepenBacklog() { _ = listen(descriptor, Self.backlog) }

  private static func makeDirectory() throws(ControlServerError) {
    let directory = "/run/sluice"
    // SAFETY: here and below, a string that the call gets lives as long as the call.
    guard unsafe mkdir(directory, 0o755) != 0, systemError != EEXIST else { return }
    throw .failed(
      "\(directory): cannot be made: \(systemErrorText(systemError)): name another socket with --socket")
  }

  /// Removes a socket that nobody answers any more.
  private static func clear(_ address: UnixAddress) throws(ControlServerError) {
    let path = address.path
    guard let node = FileNode(path: path) else { return }
    guard node.isSocket else {
      throw .failed("\(path): is there and is not a socket: remove it, or choose another path with --socket")
    }
    let probe = OwnedDescriptor(socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0))
    guard probe.number >= 0 else { throw .failed("\(path): no socket: \(systemErrorText(systemError))") }
    let answer = unsafe address.with { unsafe connect(probe.number, $0, $1) }
    let number = answer == 0 ? 0 : systemError
    switch number {
    case ECONNREFUSED:
      guard unsafe unlink(path) == 0 || systemError == ENOENT else {
        throw .failed("\(path): nobody serves it, but it cannot be removed: \(systemErrorText(systemError))")
      }
    case ENOENT: break
    case 0, EAGAIN, EINPROGRESS, EPROTOTYPE:
      throw .failed("\(path): another process serves it: stop that one, or choose another path with --socket")
    default:
      throw .failed("\(path): cannot tell whether somebody serves it: \(systemErrorText(number))")
    }
  }

  /// A bound socket that does not listen yet, so that nobody can connect.
  private static func bound(_ address: UnixAddress) throws(ControlServerError) -> OwnedDescriptor {
    let path = address.path
    let socket = OwnedDescriptor(socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0))
    guard socket.number >= 0 else { throw .failed("\(path): no socket: \(systemErrorText(systemError))") }
    // On Linux the file gets the descriptor's permissions, less the umask: none for others at first.
    _ = fchmod(socket.number, 0o600)
    guard unsafe address.with({ unsafe bind(socket.number, $0, $1) }) == 0 else {
      let number = systemError
      let mend = number == ENOENT ? ": make its directory" : ""
      throw .failed("\(path): the socket cannot be made there: \(systemErrorText(number))\(mend)")
    }
    return socket
  }

  private static func permit(_ path: String, mode: UInt16, group: gid_t) throws(ControlServerError) {
    guard unsafe lchown(path, uid_t.max, group) == 0 else {
      throw .failed(
        "\(path): cannot be given to group \(group): \(systemErrorText(systemError)): "
          + "only root, or a member, can do so (api.socket_group)")
    }
    guard unsafe chmod(path, mode_t(mode)) == 0 else {
      throw .failed(
        "\(path): cannot be given mode 0\(String(mode, radix: 8)): \(systemErrorText(systemError))")
    }
  }

  /// The number of a group that is named, or of the process's own.
  private static func group(_ name: String?) throws(ControlServerError) -> gid_t {
    guard let name else { return getegid() }
    if let number = gid_t(name) { return number }
    // SAFETY: an entry of the C library's own, read before another call could change it.
    guard let entry = unsafe getgrnam(name) else {
      throw .configuration(
        "api.socket_group: there is no group \(name): accepted: the name or number of a group")
    }
    return unsafe entry.pointee.gr_gid
  }
}
