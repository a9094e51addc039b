import Dataplane

/// Whatever the bytes: parse, use every view that the frame offers, describe.
package enum FrameCheck {
  /// `input`: the link type's number, bytes missing from the capture in units of 16, then the packet.
  static func problems(with input: [UInt8]) -> [String] {
    guard input.count >= 2 else { return [] }
    let links = LinkType.allCases
    let link = links[Int(input[0]) % links.count]
    let packet = Array(input[2...])
    let bytes = packet.span.bytes
    let original = packet.count + 16 * Int(input[1])
    var problems = problems(bytes, link: link, original: original)
    problems += SuperFrameCheck.problems(bytes, segmentSize: Int(input[1]))
    if case .differs(let what) = OrdinaryComparison(bytes, link: link, original: original) {
      problems.append("OrdinaryPacket differs from Frame: \(what)")
    }
    return problems
  }

  /// ARP and neighbor discovery, as routed ports read them.
  private static func useNeighbors(_ frame: Frame, _ bytes: RawSpan) {
    if frame.kind == .arp {
      let body = bytes.extracting(droppingFirst: Int(frame.networkOffset))
      guard let arp = try? ARPPacket(parsing: body) else { return }
      _ = (arp.operation, arp.senderMAC, arp.targetMAC, arp.senderIPv4, arp.targetIPv4)
    } else if frame.kind == .icmpv6 {
      let body = bytes.extracting(droppingFirst: Int(frame.transportOffset))
      if body.byteCount > 0, NeighborMessage.isType(body.loadByte(at: 0)) {
        _ = try? NeighborMessage(parsing: body)
      }
    }
  }

  /// - Parameter original: bytes that the packet had on its link.
  package static func problems(_ bytes: RawSpan, link: LinkType, original: Int) -> [String] {
    let length = UInt32(original)
    let text = Frame.describe(bytes, link: link, originalLength: length)
    do throws(DropReason) {
      let frame = try Frame.parse(bytes, link: link, originalLength: length)
      if frame.hasPorts { _ = frame.ports(in: bytes).value }
      useNeighbors(frame, bytes)
      if frame.tcpFieldsCaptured {
        _ = frame.tcp(in: bytes).windowScale()
        _ = frame.tcpPayloadLength(in: bytes)
      }
      if frame.isFirstFragment || frame.isLaterFragment {
        let part = frame.fragment(in: bytes, originalLength: length)
        if part.length <= 0 || part.end > 65_535 || part.hasMore && part.length % 8 != 0 {
          return ["a fragment of bytes \(part.offset) to \(part.end)"]
        }
      }
      if text.hasPrefix("malformed") { return ["parsed, but described as \"\(text)\""] }
      return Int(frame.transportLength) <= max(original, bytes.byteCount)
        ? [] : ["\(frame.transportLength) bytes of upper layer in a packet of \(original)"]
    } catch {
      return text.hasPrefix("malformed, \(error.name)")
        ? [] : ["dropped for \(error), but described as \"\(text)\""]
    }
  }
}
