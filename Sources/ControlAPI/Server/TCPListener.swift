internal import Config
internal import GRPCNIOTransportHTTP2Posix
internal import Glibc
internal import NIOCore

/// A listening TCP socket, and the TLS that everybody must speak who connects.
struct TCPListener: Sendable {
  /// `HOST:PORT` or `[HOST]:PORT`, with the port that was given when 0 was asked for.
  let name: String
  /// Listens; whoever serves takes it over and closes it.
  let descriptor: CInt
  let security: HTTP2ServerTransport.Posix.TransportSecurity

  private static let backlog: CInt = 1024

  /// - Throws: `ControlServerError` when a certificate or key is no good, or the address is not to be had.
  init(_ settings: TLSListener) throws(ControlServerError) {
    let asked = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
    security = try Self.security(settings, "\(asked):\(settings.port)")
    let address: NIOCore.SocketAddress
    do {
      address = try NIOCore.SocketAddress(ipAddress: settings.host, port: Int(settings.port))
    } catch {
      throw .configuration("\(settings.host): accepted: a numeric IPv4 or IPv6 address")
    }
    let socket = try Self.listening(address, "\(asked):\(settings.port)")
    name = "\(asked):\(Self.port(of: socket.number) ?? settings.port)"
    descriptor = socket.take()
  }

  private static func listening(
    _ address: NIOCore.SocketAddress, _ name: String
  ) throws(ControlServerError) -> OwnedDescriptor {
    let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
    let socket = OwnedDescriptor(socket(family, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0))
    guard socket.number >= 0 else { throw .failed("\(name): no socket: \(systemErrorText(systemError))") }
    var on: CInt = 1
    let size = socklen_t(MemoryLayout<CInt>.size)
    // SAFETY: pointers to a number of the size that is said.
    _ = unsafe setsockopt(socket.number, SOL_SOCKET, SO_REUSEADDR, &on, size)
    // An IPv6 address means itself: without this `::` would be all IPv4 addresses too.
    if family == AF_INET6 {
      _ = unsafe setsockopt(socket.number, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &on, size)
    }
    let number = unsafe address.withSockAddr { pointer, length in
      unsafe bind(socket.number, pointer, socklen_t(length)) == 0
        && listen(socket.number, backlog) == 0 ? 0 : systemError
    }
    guard number == 0 else { throw .failed("\(name): cannot listen there: \(systemErrorText(number))") }
    return socket
  }

  private static func port(of descriptor: CInt) -> UInt16? {
    // Of both families: two bytes of family, then the port in network order.
    var address = [UInt8](repeating: 0, count: 128)
    var size = socklen_t(address.count)
    // SAFETY: the kernel writes at most `size` bytes, and no address is longer (sockaddr_storage).
    let answer = unsafe address.withUnsafeMutableBytes { bytes in
      unsafe getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
    }
    return answer == 0 ? UInt16(address[2]) << 8 | UInt16(address[3]) : nil
  }
}
