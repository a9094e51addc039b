package import Dataplane
package import OPIProtos
internal import SwiftProtobuf

extension SessionSnapshot {
  /// The session that a message of `sluice.v1` tells.
  ///
  /// - Throws: ``ControlError`` when a number has no meaning here, or an address is neither IPv4 nor IPv6.
  package init(_ message: Sluice_V1_Session) throws(ControlError) {
    guard let source = IPAddress(bytes: message.sourceAddress),
      let destination = IPAddress(bytes: message.destinationAddress),
      let sourcePort = UInt16(exactly: message.sourcePort),
      let destinationPort = UInt16(exactly: message.destinationPort),
      let transport = UInt8(exactly: message.protocol).flatMap(SessionProtocol.init),
      let action = UInt8(exactly: message.action).flatMap(Action.init)
    else {
      throw ControlError(
        message:
          "session \(message.sessionID): the server's answer is not understood: is it of a later version?")
    }
    self.init(
      id: SessionID(message.sessionID),
      tuple: FiveTuple(
        source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort,
        transport: transport),
      lifs: (LIF(message.inLif, message.inVlan), LIF(message.outLif, message.outVlan)), action: action,
      isLearned: message.learned, state: SessionState(number: Int(message.state)),
      closeCode: CloseCode(number: Int(message.closeCode)), packets: (message.inPackets, message.outPackets),
      bytes: (message.inBytes, message.outBytes), start: message.startTime.packetTime,
      end: message.endTime.packetTime, lastSeen: message.lastPacketTime.packetTime)
  }
}

extension IPAddress {
  /// 4 or 16 bytes in network order; nil for any other number.
  init?(bytes: some Collection<UInt8>) {
    let words = bytes.reduce(into: (high: UInt64(0), low: UInt64(0))) { words, byte in
      words.high = words.high << 8 | words.low >> 56
      words.low = words.low << 8 | UInt64(byte)
    }
    switch bytes.count {
    case 4: self.init(ipv4: UInt32(truncatingIfNeeded: words.low))
    case 16: self.init(ipv6High: words.high, low: words.low)
    default: return nil
    }
  }
}

extension LIF {
  fileprivate init(_ number: UInt32, _ vlan: UInt32) {
    self.init(number: UInt16(truncatingIfNeeded: number), vlan: UInt16(truncatingIfNeeded: vlan))
  }
}
