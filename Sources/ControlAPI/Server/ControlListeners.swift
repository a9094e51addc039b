public import Config

/// The sockets of the control API, bound: clients can connect, and wait to be served. No thread is started.
public struct ControlListeners: Sendable {
  let socket: ControlSocket
  let tcp: [TCPListener]

  /// Binds every listener.
  ///
  /// - Parameter socket: the control socket's path; goes before that of the settings.
  public init(socket: String? = nil, _ settings: APISettings) throws(ControlServerError) {
    tcp = try settings.listeners.map { listener throws(ControlServerError) in try TCPListener(listener) }
    let path = socket ?? settings.socket ?? ControlSocket.defaultPath
    self.socket = try ControlSocket(path, mode: settings.socketMode, group: settings.socketGroup)
  }
}
