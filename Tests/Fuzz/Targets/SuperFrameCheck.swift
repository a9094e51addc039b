import Dataplane

/// Whatever the bytes: cut a super-frame as a device would, and see that its packets are what it had.
package enum SuperFrameCheck {
  /// Packets that are written of one super-frame.
  private static let most = 64

  /// - Parameter segmentSize: bytes of payload in each packet, 0 or more.
  package static func problems(_ bytes: RawSpan, segmentSize: Int) -> [String] {
    [Segmentation.Transport.tcp, .udp].flatMap { problems(bytes, $0, segmentSize) }
  }

  private static func problems(
    _ bytes: RawSpan, _ transport: Segmentation.Transport, _ segmentSize: Int
  ) -> [String] {
    // Most bytes are no super-frame.
    guard let cut = try? Segmentation(of: bytes, transport: transport, segmentSize: segmentSize) else {
      return []
    }
    var problems: [String] = []
    for index in 0..<min(cut.count, most) {
      var packet = [UInt8](repeating: 0, count: cut.length(of: index))
      var span = packet.mutableSpan
      var part = span.mutableBytes
      cut.write(index, of: bytes, into: &part)
      if packet.count > cut.longestLength { problems.append("packet \(index) is longer than the longest") }
      let frame = try? Frame.parse(
        packet.span.bytes, link: .ethernet, originalLength: UInt32(packet.count))
      if frame?.hasPorts != true {
        problems.append("\(transport) packet \(index) of \(cut.count) has no ports")
      }
    }
    return problems
  }
}
