import CLinuxPacket
import Glibc
import PacketIO

/// The directory of `warm_restart`: checked, ours alone while it is open, its files opened by name and never
/// through links. docs/decisions/0013.
final class StateDirectory: Sendable {
  let path: String
  /// Whether it got a tmpfs of its own just now.
  let isMountedHere: Bool
  private let descriptor: Int32
  private let lock: Int32

  /// How long a process that was killed may take to let go of the directory, in tries of 10 ms.
  private static let patience = 300

  /// Opens the directory, and makes it if it is missing. One that is not on a tmpfs gets a mount of its own.
  ///
  /// - Throws: what is wrong with it, and what mends it.
  init(_ path: String) throws(DaemonError) {
    self.path = path
    if unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
      throw Self.error(path, "cannot be made: \(errorText(errno))")
    }
    var directory = try Self.opened(path)
    do throws(DaemonError) {
      isMountedHere = !sluice_is_on_tmpfs(directory)
      if isMountedHere {
        try Self.mount(over: directory, path)
        let top = try Self.opened(path)
        close(directory)
        directory = top
      }
      lock = try Self.lock(directory, path)
    } catch {
      close(directory)
      throw error
    }
    descriptor = directory
  }

  /// The directory, which is ours, open.
  private static func opened(_ path: String) throws(DaemonError) -> Int32 {
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      let number = errno
      let isOther = number == ENOTDIR || number == ELOOP
      throw error(path, isOther ? "is a link or no directory" : errorText(number))
    }
    do throws(DaemonError) {
      try check(descriptor, path)
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  deinit {
    close(lock)
    close(descriptor)
  }

  private static func check(_ descriptor: Int32, _ path: String) throws(DaemonError) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw error(path, errorText(errno)) }
    guard status.st_uid == geteuid() else {
      throw error(
        path, "belongs to user \(status.st_uid), not to us (\(geteuid())): chown it, or name another")
    }
    guard status.st_mode & 0o777 == 0o700 else {
      let mode = String(status.st_mode & 0o777, radix: 8)
      throw error(path, "has mode \(mode): chmod 700, for it has the secret of the flow hash")
    }
  }

  private static func lock(_ descriptor: Int32, _ path: String) throws(DaemonError) -> Int32 {
    let lock = unsafe openat(descriptor, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw error(path, "its lock cannot be opened: \(errorText(errno))") }
    for _ in 0..<patience {
      if flock(lock, LOCK_EX | LOCK_NB) == 0 { return lock }
      usleep(10_000)
    }
    close(lock)
    throw error(path, "is used by another sluice, which runs: name another directory")
  }

  /// - Returns: what is wrong with the directory, for whoever started the daemon.
  static func error(_ path: String, _ problem: String) -> DaemonError {
    DaemonError(status: 1, message: "warm_restart.directory: \(path) \(problem)")
  }

  func error(_ problem: String) -> DaemonError { Self.error(path, problem) }

  // MARK: Files

  /// Opens a file that is there; nil when there is none.
  ///
  /// - Throws: one that is none of ours: a link, of another user, or open to others.
  func open(_ name: String) throws(DaemonError) -> Int32? {
    let file = unsafe openat(descriptor, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw error("has a file \(name) that cannot be opened, or is a link: \(errorText(errno))")
    }
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid(), status.st_mode & 0o077 == 0, status.st_nlink == 1
    else {
      close(file)
      throw error(
        "has a file \(name) that is not sluice's alone: it has to be a file of ours with mode 600 and one "
          + "name (chmod 600 keeps its sessions; removing it starts without them)")
    }
    return file
  }

  /// Makes a file; one of that name is removed before.
  func make(_ name: String) throws(DaemonError) -> Int32 {
    remove(name)
    let file = unsafe openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw error("a file cannot be made there: \(errorText(errno))") }
    return file
  }

  func remove(_ name: String) { unsafe unlinkat(descriptor, name, 0) }

  /// Gives a file another name, in place of what has that name.
  func rename(_ name: String, to other: String) throws(DaemonError) {
    guard unsafe renameat(descriptor, name, descriptor, other) == 0 else {
      throw error("a file cannot be renamed there: \(errorText(errno))")
    }
  }

  /// The names of its files.
  var names: [String] { Self.names(descriptor) }

  static func names(_ descriptor: Int32) -> [String] {
    let copy = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = unsafe fdopendir(copy) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      // SAFETY: the kernel ends the name with a zero, within the entry.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }

  /// Its file system as mountinfo names it, MAJOR:MINOR.
  var deviceNumber: String {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return "" }
    return "\(sluice_device_major(UInt64(status.st_dev))):\(sluice_device_minor(UInt64(status.st_dev)))"
  }

  /// Bytes that are free on its file system.
  var freeBytes: UInt64 { sluice_free_bytes(descriptor) }

  /// How many bytes of memory a file takes.
  func usedBytes(_ file: Int32) -> UInt64 {
    var status = stat()
    return unsafe fstat(file, &status) == 0 ? UInt64(status.st_blocks) * 512 : 0
  }
}
