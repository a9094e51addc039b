import ControlAPI
import Foundation
import PacketIO

/// The control socket, looked at before gRPC is asked: that says clearly why nobody answers.
enum SocketProbe {
  /// Where it is when nothing else is said.
  static var defaultPath: String { ControlServer.defaultSocket }

  /// `$SLUICE_SOCKET`; nil when that is not set.
  static var named: String? {
    let name = ProcessInfo.processInfo.environment["SLUICE_SOCKET"] ?? ""
    return name.isEmpty ? nil : name
  }

  /// - Throws: `CommandFailure` with status 1 when nobody can be reached at `path`.
  static func check(_ path: String) throws(CommandFailure) {
    guard let socket = UnixSocket(type: SOCK_STREAM) else {
      throw CommandFailure(status: 1, message: "no socket can be made: \(errorText(errno))")
    }
    let error = socket.connect(to: path)
    guard error != 0 else { return }
    throw CommandFailure(status: 1, message: message(error, path))
  }

  private static func message(_ error: Int32, _ path: String) -> String {
    switch error {
    case ENOENT, ECONNREFUSED, ENOTDIR:
      "no sluice answers at \(path): is `sluice run` started with --socket \(path)?"
    case EACCES, EPERM: denial(path)
    case ENAMETOOLONG:
      "\(path): is longer than the \(UnixSocket.longestPath) bytes that a unix socket's path may have"
    case EPROTOTYPE, ENOTSOCK: "\(path): is not a socket that `sluice run` made"
    default: "\(path): cannot be connected to: \(errorText(error))"
    }
  }

  /// Who may connect, where that can be seen.
  private static func denial(_ path: String) -> String {
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
      let mode = attributes[.posixPermissions] as? NSNumber
    else { return "\(path): permission denied: a directory on the way to it may not be entered" }
    let group = attributes[.groupOwnerAccountName] as? String ?? "with the number of its file"
    let octal = String(mode.intValue, radix: 8)
    return
      "\(path): permission denied (mode 0\(octal), group \(group)): become a member of that group, or root"
  }
}
