package import Dataplane
internal import OPIProtos
internal import SwiftProtobuf

/// A session as `SessionResponse` tells it: without addresses.
package struct SessionAnswer: Sendable {
  package var id: SessionID
  package var inPackets, outPackets, inBytes, outBytes: UInt64
  package var state: SessionState
  package var closeCode: CloseCode
  /// Nanoseconds since the Unix epoch, UTC, as everywhere here.
  package var start: PacketTime
  /// Meaningful when `state` is closed.
  package var end: PacketTime
}

extension SessionAnswer {
  init(_ message: Opi_Security_Firewall_V1_SessionResponse) {
    self.init(
      id: SessionID(message.sessionid), inPackets: message.inpackets, outPackets: message.outpackets,
      inBytes: message.inbytes, outBytes: message.outbytes,
      state: SessionState(number: message.sessionstate.rawValue),
      closeCode: CloseCode(number: message.sessionclosecode.rawValue), start: message.starttime.packetTime,
      end: message.endtime.packetTime)
  }

  init(_ message: Openoffload_V2_SessionResponse) {
    self.init(
      id: SessionID(message.sessionID), inPackets: message.inPackets, outPackets: message.outPackets,
      inBytes: message.inBytes, outBytes: message.outBytes,
      state: SessionState(number: message.sessionState.rawValue),
      closeCode: CloseCode(number: message.sessionCloseCode.rawValue), start: message.startTime.packetTime,
      end: message.endTime.packetTime)
  }
}

extension SessionState {
  /// A number of the API; one that has no name here, as of a later server, is closed to be on the safe side.
  init(number: Int) { self = UInt8(exactly: number).flatMap(SessionState.init) ?? .closed }
}

extension CloseCode {
  /// A number of the API.
  init(number: Int) { self = UInt8(exactly: number).flatMap(CloseCode.init) ?? .notClosed }
}

extension Google_Protobuf_Timestamp {
  /// Held at both ends of what 64 bits of nanoseconds since 1970 can say.
  var nanosecondsSinceEpoch: UInt64 {
    let whole = UInt64(max(0, seconds)).multipliedReportingOverflow(by: PacketTime.nanosecondsPerSecond)
    let time = PacketTime(nanoseconds: whole.overflow ? .max : whole.partialValue)
    return time.advanced(by: UInt64(max(0, nanos))).nanoseconds
  }

  var packetTime: PacketTime { PacketTime(nanoseconds: nanosecondsSinceEpoch) }
}
