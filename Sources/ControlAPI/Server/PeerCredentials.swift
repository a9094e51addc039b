package import Glibc

/// Whose process is at the other end of a unix socket, as the kernel noted when it connected.
package struct PeerCredentials: Hashable, Sendable {
  package let process: pid_t
  package let user: uid_t
  /// Its own group and all others that it is in.
  package let groups: Set<gid_t>

  package init(process: pid_t, user: uid_t, groups: Set<gid_t>) {
    self.process = process
    self.user = user
    self.groups = groups
  }

  /// nil when the kernel does not tell.
  package init?(descriptor: CInt) {
    // struct ucred (unix(7)): three numbers of 32 bits, which the C library declares for GNU sources only.
    var credentials: (process: pid_t, user: uid_t, group: gid_t) = (0, uid_t.max, gid_t.max)
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    // SAFETY: the kernel writes at most `size` bytes of plain numbers.
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
    process = credentials.process
    user = credentials.user
    groups = Self.supplementary(descriptor).union([credentials.group])
  }

  private static func supplementary(_ descriptor: CInt) -> Set<gid_t> {
    var groups = [gid_t](repeating: 0, count: 64)
    var size = socklen_t(groups.count * MemoryLayout<gid_t>.size)
    // SAFETY: the kernel writes at most `size` bytes, and says in it how many there are (ERANGE: would be).
    var answer = unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &size)
    if answer != 0, systemError == ERANGE {
      groups = [gid_t](repeating: 0, count: Int(size) / MemoryLayout<gid_t>.size)
      answer = unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &size)
    }
    guard answer == 0 else { return [] }
    return Set(groups.prefix(Int(size) / MemoryLayout<gid_t>.size))
  }
}

/// Who may use the control socket, whatever the file's permissions say: root, the daemon's own user, and
/// members of the socket's group (design decision 20).
package struct PeerPolicy: Hashable, Sendable {
  package let user: uid_t
  package let group: gid_t

  package init(user: uid_t, group: gid_t) {
    self.user = user
    self.group = group
  }

  package func admits(_ peer: PeerCredentials) -> Bool {
    peer.user == 0 || peer.user == user || peer.groups.contains(group)
  }
}
