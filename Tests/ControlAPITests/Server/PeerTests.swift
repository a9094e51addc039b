import Config
import ControlAPI
import Foundation
import Glibc
import Testing

@Suite struct PeerTests {
  @Test func theKernelTellsWhoseTheOtherEndIs() throws {
    var ends: [CInt] = [0, 0]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { for end in ends { close(end) } }
    let peer = try #require(PeerCredentials(descriptor: ends[0]))
    #expect(peer.process == getpid())
    #expect(peer.user == geteuid())
    #expect(peer.groups.contains(getegid()))
  }

  @Test func aFileHasNoOtherEnd() {
    #expect(PeerCredentials(descriptor: 0) == nil)
  }

  @Test func rootItsOwnUserAndTheGroupComeIn() {
    let policy = PeerPolicy(user: 1000, group: 50)
    func admits(_ user: uid_t, _ groups: Set<gid_t>) -> Bool {
      policy.admits(PeerCredentials(process: 1, user: user, groups: groups))
    }
    #expect(admits(0, [0]))
    #expect(admits(1000, [1000]))
    #expect(admits(1001, [1001, 50]))
    #expect(!admits(1001, [1001]))
    #expect(!admits(1001, []))
    #expect(!admits(1001, [0]))
  }

  /// Connects as another user and waits for the server's first bytes: HTTP/2 SETTINGS, or nothing.
  private static let visitor = """
    import socket, sys
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(sys.argv[1])
    try:
        print("admitted" if s.recv(1) else "refused")
    except ConnectionResetError:
        print("refused")
    """

  /// The kernel lets everybody connect here; the daemon does not.
  @Test(.enabled(if: getuid() == 0, "needs root, to become somebody else"))
  func othersAreRefusedWhateverTheModeIs() async throws {
    let folder = try TestFolder()
    let path = folder("s.sock")
    var settings = APISettings()
    settings.socketMode = 0o666
    settings.socketGroup = "4321"
    @Sendable func visit(_ identity: String...) async throws -> String {
      let command = identity + ["/usr/bin/python3", "-c", Self.visitor, path]
      return try await run("/usr/bin/setpriv", command).output
    }
    try await serving(path, settings) { _, log async throws in
      #expect(try await visit("--reuid", "65534", "--regid", "65534", "--clear-groups") == "refused\n")
      #expect(log.lines.count == 1)
      #expect(
        log.lines.first?.contains("user 65534 is neither root's nor user 0's, and not in group 4321") == true)
      #expect(try await visit("--reuid", "65534", "--regid", "4321", "--clear-groups") == "admitted\n")
      #expect(try await visit("--reuid", "65534", "--regid", "65534", "--groups", "77,4321") == "admitted\n")
      #expect(try await visit("--regid", "65534", "--clear-groups") == "admitted\n")
      #expect(log.lines.count == 1)
    }
  }

  @Test func aFloodOfRefusalsIsOneLineASecond() {
    let log = ServerLog()
    let refusals = RefusalLog { log.add($0) }
    let start = ContinuousClock.now
    for index in 0..<1000 { refusals.refused("unix:s", "full", now: start + .milliseconds(index)) }
    refusals.refused("unix:s", "full", now: start + .milliseconds(1001))
    refusals.refused("unix:s", "full", now: start + .milliseconds(5000))
    #expect(
      log.lines == [
        "unix:s: connection refused: full", "unix:s: connection refused: full (and 999 more before it)",
        "unix:s: connection refused: full",
      ])
  }
}
