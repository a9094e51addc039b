import ControlClient
import Dataplane
import Foundation
import OPIProtos
import SwiftProtobuf
import Testing

/// Sessions of `sluice.v1` as the command line reads them, from servers of any kind.
@Suite struct SessionMessageTests {
  private static let good = Sluice_V1_Session.with {
    $0.sessionID = 7
    $0.protocol = 17
    $0.sourceAddress = Data([10, 0, 0, 1])
    $0.destinationAddress = Data([0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9])
    $0.sourcePort = 1
    $0.destinationPort = 65_535
    $0.inLif = 1
    $0.inVlan = 100
    $0.outLif = 2
    $0.action = 3
    $0.state = 3
    $0.closeCode = 2
    $0.learned = true
    $0.inPackets = 5
    $0.outBytes = .max
    $0.startTime = .with {
      $0.seconds = 1; $0.nanos = 2
    }
    $0.endTime = .with { $0.seconds = 3 }
  }

  @Test func `every field arrives`() throws {
    let session = try SessionSnapshot(Self.good)
    #expect(session.id == SessionID(7))
    #expect(session.tuple.source == IPAddress(ipv4: 0x0A00_0001))
    #expect(session.tuple.destination == IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 9))
    #expect(session.tuple.sourcePort == 1 && session.tuple.destinationPort == 65_535)
    #expect(session.tuple.transport == .udp)
    #expect(session.inLIF == LIF(number: 1, vlan: 100) && session.outLIF == LIF(number: 2))
    #expect(session.action == .snoop && session.state == .closed && session.closeCode == .reset)
    #expect(session.isLearned && session.inPackets == 5 && session.outBytes == .max)
    #expect(session.start.nanoseconds == 1_000_000_002 && session.end.nanoseconds == 3_000_000_000)
  }

  @Test(
    arguments: [
      { (session: inout Sluice_V1_Session) in session.sourceAddress = Data([10, 0, 0]) },
      { $0.destinationAddress = Data(repeating: 0, count: 17) }, { $0.sourcePort = 65_536 },
      { $0.protocol = 1 }, { $0.protocol = 262 }, { $0.action = 4 },
    ] as [@Sendable (inout Sluice_V1_Session) -> Void])
  func `what has no meaning here is an error, not a guess`(
    _ change: @Sendable (inout Sluice_V1_Session) -> Void
  ) {
    var session = Self.good
    change(&session)
    #expect(throws: ControlError.self) { try SessionSnapshot(session) }
  }

  @Test func `times beyond any calendar are held`() throws {
    var session = Self.good
    session.startTime = .with {
      $0.seconds = .max; $0.nanos = .max
    }
    session.endTime = .with {
      $0.seconds = .min; $0.nanos = -1
    }
    let snapshot = try SessionSnapshot(session)
    #expect(snapshot.start.nanoseconds == .max && snapshot.end.nanoseconds == 0)
  }
}
