internal import Dataplane
internal import Foundation
internal import Gateway
internal import OPIProtos
internal import SwiftProtobuf

// Messages of sluice.v1 about sessions.

extension Sluice_V1_Session {
  init(_ session: SessionSnapshot, _ service: SessionService) {
    self.init()
    sessionID = session.id.rawValue
    self.protocol = UInt32(session.tuple.transport.rawValue)
    sourceAddress = session.tuple.source.networkBytes
    destinationAddress = session.tuple.destination.networkBytes
    sourcePort = UInt32(session.tuple.sourcePort)
    destinationPort = UInt32(session.tuple.destinationPort)
    inLif = UInt32(session.inLIF.number)
    inVlan = UInt32(session.inLIF.vlan)
    outLif = UInt32(session.outLIF.number)
    outVlan = UInt32(session.outLIF.vlan)
    action = UInt32(session.action.rawValue)
    state = UInt32(session.state.rawValue)
    closeCode = UInt32(session.closeCode.rawValue)
    learned = session.isLearned
    inPackets = session.inPackets
    outPackets = session.outPackets
    inBytes = session.inBytes
    outBytes = session.outBytes
    startTime = Google_Protobuf_Timestamp(nanoseconds: service.wallTime(session.start))
    if session.state == .closed {
      endTime = Google_Protobuf_Timestamp(nanoseconds: service.wallTime(session.end))
    }
    lastPacketTime = Google_Protobuf_Timestamp(nanoseconds: service.wallTime(session.lastSeen))
  }
}

extension Sluice_V1_SessionEvent {
  init(_ notice: SessionService.Notice, _ service: SessionService) {
    self.init()
    kind = .init(rawValue: Int(notice.kind.rawValue)) ?? .changed
    session = Sluice_V1_Session(notice.session, service)
    lost = notice.lost
  }
}

extension IPAddress {
  /// 4 or 16 bytes in network order.
  var networkBytes: Data {
    let bits = family == .ipv4 ? 32 : 128
    return Data(stride(from: bits - 8, through: 0, by: -8).map(byte))
  }

  /// The byte whose lowest bit is bit `position` of the address, counted from its end.
  private func byte(_ position: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: (position < 64 ? low : high) >> UInt64(position & 63))
  }
}
