import Dataplane

/// What `OrdinaryPacket` says of a packet, compared with `Frame`.
package enum OrdinaryComparison: Equatable {
  case refused, agrees
  case differs(String)

  package init(_ bytes: RawSpan, link: LinkType, original: Int) {
    guard let ordinary = OrdinaryPacket(bytes, link: link) else {
      self = .refused
      return
    }
    do throws(DropReason) {
      let frame = try Frame.parse(bytes, link: link, originalLength: UInt32(original))
      let difference = Self.difference(ordinary, frame, bytes)
      self = difference.map { .differs($0) } ?? .agrees
    } catch {
      self = .differs("Frame says \(error)")
    }
  }

  private static func difference(
    _ ordinary: borrowing OrdinaryPacket, _ frame: Frame, _ bytes: RawSpan
  ) -> String? {
    let isSameFrame = withUnsafeBytes(of: ordinary.frame) { ours in
      withUnsafeBytes(of: frame) { ours.elementsEqual($0) }
    }
    guard isSameFrame else { return "frame \(frame), not \(ordinary.frame)" }
    let header = frame.ipv4(in: bytes)
    let ports = frame.ports(in: bytes)
    let addresses = UInt64(header.destinationValue.bigEndian) << 32 | UInt64(header.sourceValue.bigEndian)
    if addresses != ordinary.networkAddresses { return "addresses" }
    let numbers = UInt32(ports.destination.bigEndian) << 16 | UInt32(ports.source.bigEndian)
    if numbers != ordinary.networkPorts { return "ports" }
    guard frame.kind == .tcp else {
      return ordinary.flags.isEmpty && !ordinary.isTCP ? nil : "UDP with fields of TCP"
    }
    guard ordinary.isTCP, frame.tcpFieldsCaptured else { return "TCP" }
    let tcp = frame.tcp(in: bytes)
    if tcp.acknowledgment != ordinary.acknowledgment { return "acknowledgment" }
    if tcp.flags != ordinary.flags { return "flags" }
    if !tcp.flags.isOrdinary { return "opens or closes" }
    if tcp.window != ordinary.window { return "window" }
    return nil
  }
}
