import Foundation

/// systemd, or whoever else started us and named a socket in `$NOTIFY_SOCKET` (sd_notify(3)).
enum Systemd {
  /// Tells it something, as `READY=1`; nothing when nobody asked.
  static func notify(_ state: String) {
    guard let path = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"],
      let socket = UnixSocket(type: SOCK_DGRAM), socket.connect(to: path) == 0
    else { return }
    socket.send(state)
  }
}
