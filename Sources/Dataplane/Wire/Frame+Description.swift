/// One line about a packet in the manner of tcpdump, for people and traces. Cold: it makes strings.
extension Frame {
  /// Parses and describes one packet; a malformed one gives its drop reason.
  ///
  /// `IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, win 64240, length 0`
  public static func describe(_ bytes: RawSpan, link: LinkType, originalLength: UInt32) -> String {
    do throws(DropReason) {
      let frame = try parse(bytes, link: link, originalLength: originalLength)
      let length = max(Int(originalLength), bytes.byteCount)
      return frame.vlanText + frame.text(bytes, length: length) + (frame.isSnapped ? " [snapped]" : "")
    } catch {
      return "malformed, \(error.name): \(error.sentence)"
    }
  }

  private var vlanText: String {
    switch tagCount {
    case 0: ""
    case 1: "vlan \(vlan), "
    default: "vlan \(vlan) (\(tagCount) tags), "
    }
  }

  private func text(_ bytes: RawSpan, length: Int) -> String {
    switch kind {
    case .tcp: endpoints(bytes) + tcpText(bytes) + fragmentText(bytes)
    case .udp: endpoints(bytes) + udpText(bytes) + fragmentText(bytes)
    case .icmp, .icmpv6: endpoints(bytes) + icmpText(bytes) + fragmentText(bytes)
    case .esp:
      endpoints(bytes) + espText(upperLayer(bytes)) + ", length \(transportLength)" + fragmentText(bytes)
    case .otherIP:
      endpoints(bytes) + "protocol \(ipProtocol), length \(transportLength)" + fragmentText(bytes)
    case .laterFragment:
      endpoints(bytes) + "protocol \(ipProtocol), length \(transportLength)" + fragmentText(bytes)
    case .arp: arpText(bytes)
    case .otherEthernet:
      etherType == 0 ? "802.3, length \(length)" : "ethertype 0x\(hex(etherType)), length \(length)"
    case .cutBeforePorts: hasAddresses(in: bytes) ? endpoints(bytes) + "cut" : "cut, length \(length)"
    case .otherLink: "other link, length \(length)"
    }
  }

  @_lifetime(copy bytes)
  private func upperLayer(_ bytes: RawSpan) -> RawSpan {
    bytes.extracting(droppingFirst: Int(transportOffset)).extracting(first: Int(transportLength))
  }

  /// `IP 10.0.0.1.1234 > 10.0.0.2.80: `, without ports where there are none.
  private func endpoints(_ bytes: RawSpan) -> String {
    let (source, destination) = (source(in: bytes), destination(in: bytes))
    let name = family == 4 ? "IP" : "IP6"
    guard hasPorts else { return "\(name) \(source) > \(destination): " }
    let ports = ports(in: bytes)
    return "\(name) \(source).\(ports.source) > \(destination).\(ports.destination): "
  }

  private func fragmentText(_ bytes: RawSpan) -> String {
    guard isFirstFragment || isLaterFragment else { return "" }
    let id = fragment(in: bytes, originalLength: 0).identification
    return isFirstFragment ? " (first fragment, id \(id))" : " (later fragment, id \(id))"
  }

  private func tcpText(_ bytes: RawSpan) -> String {
    guard tcpFieldsCaptured else { return "TCP, length \(transportLength)" }
    let header = tcp(in: bytes)
    let length = tcpPayloadLength(in: bytes)
    var text = "Flags [\(header.flags)]"
    if length > 0 {
      text += ", seq \(header.sequence):\(header.sequence &+ length)"
    } else if !header.flags.isDisjoint(with: [.syn, .fin, .rst]) {
      text += ", seq \(header.sequence)"
    }
    if header.flags.contains(.ack) { text += ", ack \(header.acknowledgment)" }
    return text + ", win \(header.window), length \(length)"
  }

  private func udpText(_ bytes: RawSpan) -> String {
    let payload = transportLength >= UDPHeader.size ? transportLength - UInt32(UDPHeader.size) : 0
    guard isUDPEncapsulatedESP else { return "UDP, length \(payload)" }
    let segment = bytes.extracting(droppingFirst: Int(transportOffset) + UDPHeader.size)
    return "UDP-encap: " + espText(segment) + ", length \(payload)"
  }

  private func espText(_ bytes: RawSpan) -> String {
    guard let header = try? ESPHeader(parsing: bytes) else { return "ESP" }
    return "ESP(spi=0x\(hex(header.spi)),seq=0x\(String(header.sequence, radix: 16)))"
  }

  private func icmpText(_ bytes: RawSpan) -> String {
    let name = family == 4 ? "ICMP" : "ICMP6"
    let family: IPAddress.Family = family == 4 ? .ipv4 : .ipv6
    guard let header = try? ICMPHeader(parsing: upperLayer(bytes), family: family) else {
      return "\(name), length \(transportLength)"
    }
    guard header.isEcho else {
      return "\(name) type \(header.type) code \(header.code), length \(transportLength)"
    }
    let direction = header.isReply ? "reply" : "request"
    return
      "\(name) echo \(direction), id \(header.identifier), seq \(header.sequence), length \(transportLength)"
  }

  private func arpText(_ bytes: RawSpan) -> String {
    guard let packet = try? ARPPacket(parsing: bytes.extracting(droppingFirst: Int(networkOffset))),
      let sender = packet.senderIPv4, let target = packet.targetIPv4, let senderMAC = packet.senderMAC
    else { return "ARP" }
    switch packet.operation {
    case 1: return "ARP, Request who-has \(target) tell \(sender)"
    case 2: return "ARP, Reply \(sender) is-at \(senderMAC)"
    default: return "ARP, operation \(packet.operation), \(sender) to \(target)"
    }
  }

  /// All digits of the integer.
  private func hex<T: FixedWidthInteger>(_ value: T) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: T.bitWidth / 4 - digits.count) + digits
  }
}
