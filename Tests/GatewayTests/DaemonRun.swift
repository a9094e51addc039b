import Config
import Dataplane
import Foundation
import Gateway
import Glibc
import Testing

/// A daemon without its session service, in this process.
final class DaemonRun: Sendable {
  let runtime: DaemonRuntime

  /// Started with a configuration text; paths in it are absolute.
  init(_ text: String, isStarted: Bool = true) throws {
    runtime = try DaemonRuntime(Configuration.parse(text, file: "x.yaml"), reportsSessions: false)
    try runtime.addConfigured()
    if isStarted { try runtime.start() }
  }

  subscript(counter: Counter) -> UInt64 { runtime.group.total(counter) }
  subscript(reason: DropReason) -> UInt64 { runtime.group.total(reason) }

  /// Waits until something holds; false after a long time.
  func wait(seconds: Double = 10, until holds: () -> Bool) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while !holds() {
      guard clock.now < end else { return false }
      usleep(1000)
    }
    return true
  }

  /// Stops it, within a second, and expects that nothing was lost.
  func stop(_ location: SourceLocation = #_sourceLocation) {
    let took = ContinuousClock().measure {
      runtime.signalStop()
      runtime.join()
    }
    #expect(took < .seconds(5), "stops soon", sourceLocation: location)
    expectEquations(location)
  }

  /// The equations of design decision 6, and those of the ports.
  private func expectEquations(_ location: SourceLocation) {
    let verdicts: [Counter] = [.forwarded, .dropped, .mirrored, .snooped, .punted, .consumed]
    #expect(
      self[.packets] == verdicts.reduce(0) { $0 + self[$1] }, "each packet has one verdict",
      sourceLocation: location)
    #expect(
      self[.dropped] == runtime.drops().reduce(0) { $0 + $1.packets }, "each drop has a reason",
      sourceLocation: location)
    #expect(
      self[.packets] == self[.matched] + self[.missed] + self[.other], sourceLocation: location)
    #expect(self[.handedOff] == self[.takenOver], "hand-offs cancel", sourceLocation: location)
    #expect(self[.held] == 0, sourceLocation: location)
    let ended = [Counter.closedFINACK, .closedRST, .closedTimeout, .sessionsDeleted]
    #expect(
      self[.sessionsOpened] == ended.reduce(0) { $0 + self[$1] } + self[.liveSessions],
      sourceLocation: location)
    let ports = runtime.portReports()
    #expect(
      self[.packets] == ports.reduce(0) { $0 + $1.receivedPackets }, "all that was received was decided",
      sourceLocation: location)
    #expect(self[.bytes] == ports.reduce(0) { $0 + $1.receivedBytes }, sourceLocation: location)
    #expect(
      self[.transmitted] - self[.punted] == ports.reduce(0) { $0 + $1.transmittedPackets },
      "all that left did so by a port", sourceLocation: location)
  }
}

/// A named pipe, written to by the test.
struct NamedPipe: ~Copyable {
  let path: String
  private var descriptor: Int32 = -1

  init(_ path: String) throws {
    self.path = path
    try #require(mkfifo(path, 0o600) == 0)
  }

  /// Opens it; a reader must be there.
  mutating func open() throws {
    // The reader may be a moment late.
    for _ in 0..<1000 where descriptor < 0 {
      descriptor = Glibc.open(path, O_WRONLY | O_NONBLOCK)
      if descriptor < 0 { usleep(1000) }
    }
    try #require(descriptor >= 0)
    _ = fcntl(descriptor, F_SETFL, 0)
  }

  func write(_ bytes: Data) throws {
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    try #require(count == bytes.count)
  }

  mutating func close() {
    _ = Glibc.close(descriptor)
    descriptor = -1
  }
}
