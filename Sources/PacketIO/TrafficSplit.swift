public import Dataplane

/// How the packets of one capture are dealt to two LIFs, as if it had been recorded between them.
public enum TrafficSplit: Sendable, Hashable {
  /// By who opened the conversation: the client's packets arrive on the first LIF.
  case clientServer
  /// What the source of the first packet sends arrives on the first LIF, everything else on the second.
  case firstMAC
  /// What these sources send arrives on the first LIF, everything else on the second.
  case macs([MACAddress])
  /// What is sent from these addresses arrives on the first LIF, everything else on the second.
  case prefixes([IPPrefix])

  /// Whether it needs Ethernet addresses.
  public var needsEthernet: Bool {
    switch self {
    case .firstMAC, .macs: true
    case .clientServer, .prefixes: false
    }
  }
}

/// Deals packets to the two sides of a split. Owned by one worker.
package struct TrafficSplitter {
  private let split: TrafficSplit
  private var firstMAC: MACAddress?
  private let conversations: ConversationMemory

  package init(_ split: TrafficSplit, conversations: ConversationMemory) {
    self.split = split
    self.conversations = conversations
  }

  /// Conversations forgotten because there were too many at once.
  package var forgotten: UInt64 { conversations.forgotten }

  /// The side that a packet arrives on: 0 for the first LIF, 1 for the second.
  ///
  /// What has no address of the kind asked for is taken for a client's, or for one outside the list.
  package mutating func side(
    _ bytes: RawSpan, link: LinkType, originalLength: UInt32, time: PacketTime
  ) -> Int {
    switch split {
    case .firstMAC:
      guard let source = try? EthernetHeader(parsing: bytes).source else { return 1 }
      if firstMAC == nil { firstMAC = source }
      return source == firstMAC ? 0 : 1
    case .macs(let list):
      guard let source = try? EthernetHeader(parsing: bytes).source else { return 1 }
      return list.contains(source) ? 0 : 1
    case .prefixes(let list):
      let frame = try? Frame.parse(bytes, link: link, originalLength: originalLength)
      guard let source = frame?.hosts(in: bytes)?.source else { return 1 }
      return list.contains { $0.contains(source) } ? 0 : 1
    case .clientServer:
      guard let frame = try? Frame.parse(bytes, link: link, originalLength: originalLength),
        let hosts = frame.hosts(in: bytes)
      else { return 0 }
      if frame.hasPorts {
        let ports = frame.ports(in: bytes)
        return conversations.side(
          source: hosts.source, sourcePort: ports.source, destination: hosts.destination,
          destinationPort: ports.destination, isTCP: frame.kind == .tcp, opening: frame.opening(in: bytes),
          time: time)
      }
      return conversations.side(source: hosts.source, destination: hosts.destination, time: time)
    }
  }
}

extension Frame {
  /// Sender and receiver by their IP addresses: those of the IP header, or of ARP for IPv4.
  fileprivate func hosts(in bytes: RawSpan) -> (source: IPAddress, destination: IPAddress)? {
    if hasAddresses(in: bytes) { return (source(in: bytes), destination(in: bytes)) }
    guard kind == .arp, !isSnapped,
      let packet = try? ARPPacket(parsing: bytes.extracting(droppingFirst: Int(networkOffset))),
      let sender = packet.senderIPv4, let target = packet.targetIPv4
    else { return nil }
    return (sender, target)
  }

  /// What a TCP segment tells of who opened its connection. RFC 9293 §3.5.
  fileprivate func opening(in bytes: RawSpan) -> ConversationMemory.Opening {
    guard tcpFieldsCaptured else { return .unknown }
    let flags = tcp(in: bytes).flags
    guard flags.contains(.syn), flags.isDisjoint(with: [.fin, .rst]) else { return .unknown }
    return flags.contains(.ack) ? .byReceiver : .bySender
  }
}
