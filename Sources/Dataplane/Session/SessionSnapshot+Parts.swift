extension SessionSnapshot {
  /// A snapshot from its parts: what a client makes of a server's answer.
  package init(
    id: SessionID, tuple: FiveTuple, lifs: (in: LIF, out: LIF), action: Action, isLearned: Bool,
    state: SessionState, closeCode: CloseCode, packets: (in: UInt64, out: UInt64),
    bytes: (in: UInt64, out: UInt64), start: PacketTime, end: PacketTime, lastSeen: PacketTime
  ) {
    self.init(
      id: id, tuple: tuple, inLIF: lifs.in, outLIF: lifs.out, action: action, isLearned: isLearned,
      state: state, closeCode: closeCode, inPackets: packets.in, outPackets: packets.out, inBytes: bytes.in,
      outBytes: bytes.out, start: start, end: end, lastSeen: lastSeen)
  }
}
