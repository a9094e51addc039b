/// Where a server is: the control socket's path.
package struct Target: Hashable, Sendable {
  package let socket: String

  package init(socket: String) { self.socket = socket }
}
