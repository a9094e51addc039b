import Config
import ControlAPI
import Foundation
import Glibc
import Testing

@Suite struct ControlSocketTests {
  private func server(
    _ path: String, _ settings: APISettings = APISettings()
  ) throws(ControlServerError) -> ControlServer {
    ControlServer(
      try ControlListeners(socket: path, settings), settings, log: { _ in }, services: { _ in [] })
  }

  /// What making a server there is refused with.
  private func refusal(_ path: String, _ settings: APISettings = APISettings()) -> ControlServerError? {
    do {
      _ = try server(path, settings)
      return nil
    } catch {
      return error
    }
  }

  @Test func aLiveDaemonIsNotDisplaced() async throws {
    let folder = try TestFolder()
    let path = folder("s.sock")
    try await serving(path) { _, _ async throws in
      let refused = refusal(path)
      #expect(refused?.message.contains("another sluice serves it") == true)
      #expect(refused?.status == 1)
      #expect(try await isServing(path))
    }
  }

  @Test func norIsAnotherProgramThatListensThere() async throws {
    let folder = try TestFolder()
    let other = try RawClient.bound(folder("s.sock"), listening: true)
    defer { close(other) }
    #expect(refusal(folder("s.sock"))?.message.contains("another process serves it") == true)
    #expect(folder.has("s.sock"))
    #expect(!folder.has("s.sock.lock"))
  }

  @Test func aSocketThatADeadDaemonLeftIsReplaced() async throws {
    let folder = try TestFolder()
    let path = folder("s.sock")
    close(try RawClient.bound(path, listening: true))
    try await serving(path) { _, _ async throws in #expect(try await isServing(path)) }
    #expect(!folder.has("s.sock"))
    #expect(!folder.has("s.sock.lock"))
  }

  @Test func aFileThatIsNoSocketStays() throws {
    let folder = try TestFolder()
    try "precious".write(toFile: folder("s.sock"), atomically: true, encoding: .utf8)
    #expect(refusal(folder("s.sock"))?.message.contains("is not a socket") == true)
    #expect(try String(contentsOfFile: folder("s.sock"), encoding: .utf8) == "precious")
  }

  @Test func itHasItsModeAndGroupBeforeAnybodyCanConnect() throws {
    let folder = try TestFolder()
    let plain = try server(folder("plain"))
    #expect(try folder.attributes("plain").st_mode & 0o7777 == 0o660)
    #expect(try folder.attributes("plain").st_gid == getegid())
    var settings = APISettings()
    settings.socketMode = 0o622
    settings.socketGroup = getuid() == 0 ? "daemon" : nil
    let set = try server(folder("set"), settings)
    #expect(try folder.attributes("set").st_mode & 0o7777 == 0o622)
    if getuid() == 0 { #expect(try folder.attributes("set").st_gid == getgrnam("daemon")?.pointee.gr_gid) }
    withExtendedLifetime((plain, set)) {}
  }

  @Test func aGroupMayBeANumber() throws {
    let folder = try TestFolder()
    var settings = APISettings()
    settings.socketGroup = String(getegid())
    let numbered = try server(folder("s"), settings)
    #expect(try folder.attributes("s").st_gid == getegid())
    withExtendedLifetime(numbered) {}
    settings.socketGroup = "no-such-group"
    let refused = refusal(folder("t"), settings)
    #expect(refused?.message.contains("api.socket_group: there is no group no-such-group") == true)
    #expect(refused?.status == 2)
  }

  @Test func aPathHasAtMost107Bytes() throws {
    let folder = try TestFolder()
    let longest = folder(String(repeating: "x", count: 107 - folder.path.utf8.count - 1))
    let server = try server(longest)
    withExtendedLifetime(server) {}
    let refused = refusal(longest + "x")
    #expect(refused?.message.contains("108 bytes, and the path of a socket has at most 107") == true)
    #expect(refused?.status == 2)
    #expect(refusal("")?.message.contains("the path is empty") == true)
    #expect(refusal("a\0b")?.message.contains("zero byte") == true)
  }

  @Test func aMissingDirectoryIsNamed() throws {
    let folder = try TestFolder()
    #expect(refusal(folder("no/s.sock"))?.message.contains("no/s.sock.lock: cannot be opened") == true)
  }

  @Test func aSocketThatAnotherPutInItsPlaceIsNotRemoved() async throws {
    let folder = try TestFolder()
    let path = folder("s.sock")
    try await serving(path) { _, _ async throws in
      unlink(path)
      close(try RawClient.bound(path, listening: false))
    }
    #expect(folder.has("s.sock"))
  }

  @Test func theLockOfADeadDaemonMeansNothing() async throws {
    let folder = try TestFolder()
    try "".write(toFile: folder("s.sock.lock"), atomically: true, encoding: .utf8)
    try await serving(folder("s.sock")) { _, _ async throws in #expect(try await isServing(folder("s.sock")))
    }
    #expect(!folder.has("s.sock.lock"))
  }

  /// Sixteen at once, again and again: exactly one has it each time.
  @Test func ofManyThatStartAtOnceOneServes() async throws {
    let folder = try TestFolder()
    for round in 0..<20 {
      let servers = await withTaskGroup(of: ControlServer?.self) { group in
        for _ in 0..<16 { group.addTask { try? server(folder("s\(round % 2)")) } }
        var made: [ControlServer] = []
        for await server in group { if let server { made.append(server) } }
        return made
      }
      #expect(servers.count == 1)
    }
  }
}
