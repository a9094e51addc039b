import CLinuxPacket
import Glibc
import PacketIO

extension StateDirectory {
  /// Mounts a tmpfs over a directory that is on none, with 2 MB pages for those who ask, where the kernel has
  /// them. It stays when the process ends; unless it has a mount namespace of its own (`mountWarning`).
  ///
  /// - Parameter directory: ours, as was checked.
  /// - Throws: why none can be mounted, and what to do instead.
  static func mount(over directory: Int32, _ path: String) throws(DaemonError) {
    // Of two daemons that start at once the second one finds what the first one has mounted.
    flock(directory, LOCK_EX)
    defer { flock(directory, LOCK_UN) }
    let top = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    defer { close(top) }
    if sluice_is_on_tmpfs(top) { return }
    if let why = obstacle(to: directory) {
      throw error(
        path,
        "is not on a tmpfs, and one cannot be mounted there (\(why)): name a directory under /run or "
          + "/dev/shm, or mount one there")
    }
  }

  /// - Returns: why nothing could be mounted; nil when it was.
  private static func obstacle(to directory: Int32) -> String? {
    var (own, above) = (stat(), stat())
    guard unsafe fstat(directory, &own) == 0, unsafe fstatat(directory, "..", &above, 0) == 0 else {
      return errorText(errno)
    }
    if own.st_dev != above.st_dev { return "it is a mount of another kind" }
    if !names(directory).allSatisfy({ $0 == "." || $0 == ".." }) { return "it is not empty" }
    // By what was checked, whatever has its name by now.
    let number = unsafe sluice_mount_tmpfs("/proc/self/fd/\(directory)")
    if number == EPERM { return "it takes CAP_SYS_ADMIN" }
    return number == 0 ? nil : errorText(number)
  }

  /// What should be known though everything works; nil when there is nothing.
  var warning: String? {
    if isMountedHere, !isOfFirstProcess {
      return "warm_restart.directory: \(path) was mounted in a mount namespace that ends with this service: "
        + "have a tmpfs mounted there before, or sessions end with it too"
    }
    guard !hasHugePages else { return nil }
    return "warm_restart.directory: \(path) has 4 KB pages, which makes lookups slower: before the start, "
      + "mount -t tmpfs -o huge=advise,mode=0700 sluice \(path)"
  }

  /// Whether our mounts are those of the machine's or container's first process; so too if nobody tells.
  private var isOfFirstProcess: Bool {
    var (own, first) = (stat(), stat())
    guard unsafe stat("/proc/self/ns/mnt", &own) == 0, unsafe stat("/proc/1/ns/mnt", &first) == 0 else {
      return true
    }
    return own.st_ino == first.st_ino && own.st_dev == first.st_dev
  }

  /// Whether its tmpfs gives 2 MB pages to those who ask (tmpfs(5), `huge`).
  var hasHugePages: Bool {
    // mountinfo, proc_pid_mountinfo(5): the third word is the device, options are the last.
    let device = deviceNumber
    let own = ProcessMemory.text("/proc/self/mountinfo").split(separator: "\n").first { line in
      line.split(separator: " ").dropFirst(2).first.map(String.init) == device
    }
    let options = own?.split(separator: " ").last.map(String.init) ?? ""
    return ["huge=advise", "huge=always", "huge=within_size"].contains(where: options.contains)
  }
}
