/// ARP and neighbor discovery of routed ports. RFC 826, RFC 5227, RFC 4861 §7.
extension Worker {
  /// An ARP packet: answered if it asks for us, learned from if it answers us or asks for us.
  ///
  /// - Returns: where it ends; hand off when it came from another worker, which has counted it.
  mutating func answerARP(
    _ burst: borrowing PacketBurst, _ index: Int, _ frame: Frame
  ) throws(DropReason) -> Verdict.Kind {
    let position = burst.port(index)
    let arp = try ARPPacket(parsing: burst.bytes(index).extracting(droppingFirst: Int(frame.networkOffset)))
    guard let mac = arp.senderMAC, let sender = arp.senderIPv4, let target = arp.targetIPv4 else {
      throw .badARP
    }
    let entry = router.table.find(target)
    let isForUs = entry.kind == .local && entry.lif == router.ports[position].lif
    let isHandedOff = burst.isHandedOff(index)
    let isAnswer = isForUs && arp.operation == Self.arpReply
    if noteNeighbor(
      sender, mac, at: position, creates: isForUs, confirms: isAnswer, now: burst.time(index)), !isHandedOff
    {
      share(burst, index)
    }
    if isForUs, arp.operation == Self.arpRequest, !mac.isGroupAddress, mac.value != 0, !isHandedOff {
      sendARP(Self.arpReply, from: target, to: sender, mac, at: position)
    }
    return isHandedOff ? .handOff : .consume
  }

  /// A neighbor solicitation or advertisement; nil for any other ICMPv6 message.
  mutating func answerNeighbor(
    _ burst: borrowing PacketBurst, _ index: Int, _ frame: Frame
  ) throws(DropReason) -> Verdict.Kind? {
    let bytes = burst.bytes(index)
    let position = burst.port(index)
    let isWhole = !frame.isFirstFragment && !frame.isLaterFragment
    let bodyBytes = bytes.extracting(droppingFirst: Int(frame.transportOffset)).extracting(
      first: Int(frame.transportLength))
    guard isWhole, bodyBytes.byteCount >= ICMPHeader.sizeV6,
      NeighborMessage.isType(bodyBytes.loadByte(at: 0))
    else { return nil }
    let source = frame.source(in: bytes)
    let destination = frame.destination(in: bytes)
    // Nobody off the link can have sent it. RFC 4861 §7.1.
    guard frame.ipv6(in: bytes).hopLimit == 255 else { throw .badNeighborMessage }
    // RFC 6980 §5: what looks into switches' packets does not look behind a fragment header.
    guard frame.extensionHeaders(in: bytes)?.hasFragmentHeader != true else { throw .badNeighborMessage }
    guard isRight(bodyBytes, frame, bytes) else { throw .badICMPChecksum }
    let message = try NeighborMessage(parsing: bodyBytes)
    guard !source.isMulticast, !destination.isMulticast || message.isSolicitation || !message.isSolicited,
      !source.isUnspecified
        || message.isSolicitation && message.linkAddress == nil && destination == message.target.solicitedNode
    else { throw .badNeighborMessage }
    let isHandedOff = burst.isHandedOff(index)
    let now = burst.time(index)
    let isOurs = router.find(message.target, at: position)
    let isForUs = isOurs.kind == .local && isOurs.lif == router.ports[position].lif
    if message.isSolicitation {
      guard isForUs else { return isHandedOff ? .handOff : .consume }
      let sender = try EthernetHeader(parsing: bytes).source
      let mac = message.linkAddress ?? sender
      // Nobody is told of us by an answer to many.
      guard !mac.isGroupAddress else { throw .badNeighborMessage }
      // Without the option it is answered, and nothing learned. RFC 4861 §7.2.3.
      if !source.isUnspecified, let told = message.linkAddress,
        noteNeighbor(source, told, at: position, creates: true, confirms: false, now: now), !isHandedOff
      {
        share(burst, index)
      }
      if !isHandedOff { advertise(message.target, to: source, mac, at: position) }
    } else if !isForUs {
      var isNew = false
      if let mac = message.linkAddress ?? knownMAC(message, at: position) {
        isNew = noteNeighbor(
          message.target, mac, at: position, creates: false, replaces: message.isOverride,
          confirms: message.isSolicited, now: now)
      }
      // An answer that this worker did not ask for may be one that another worker waits for.
      if isNew || message.isSolicited, !isHandedOff { share(burst, index) }
    }
    return isHandedOff ? .handOff : .consume
  }

  /// What is known of the sender of an answer without its Ethernet address: one that is asked by itself need
  /// not tell it. RFC 4861 §7.2.4.
  private func knownMAC(_ message: NeighborMessage, at position: Int) -> MACAddress? {
    guard message.isSolicited else { return nil }
    let place = router.cache.find(message.target, lif: router.ports[position].lif)
    guard place != Slot.none, router.cache[place].state != .incomplete else { return nil }
    return router.cache[place].mac
  }

  /// Notes a neighbour on a port's link, and sends what waited for it.
  private mutating func noteNeighbor(
    _ address: IPAddress, _ mac: MACAddress, at position: Int, creates: Bool, replaces: Bool = true,
    confirms: Bool, now: PacketTime
  ) -> Bool {
    let entry = router.find(address, at: position)
    // Only what is on this link, and not we ourselves.
    guard entry.kind == .connected, entry.lif == router.ports[position].lif, address.isStation,
      !mac.isGroupAddress, mac.value != 0, mac != router.ports[position].mac,
      let place = router.cache.learn(
        address, lif: router.ports[position].lif, mac: mac, creates: creates, replaces: replaces,
        confirms: confirms, now: now)
    else { return false }
    while let packet = router.cache.takeHeld(place) { release(packet, mac, at: position) }
    return true
  }

  /// Shows a packet that taught us something to the other workers, which learn the same from it.
  ///
  /// It is in no sum: they count it as taken over and handed off.
  private mutating func share(_ burst: borrowing PacketBurst, _ index: Int) {
    guard workerCount > 1 else { return }
    for worker in 0..<Int(workerCount) where worker != self.index {
      // SAFETY: as for what is handed off: the queue keeps the bytes until the mesh says they were dealt
      // with.
      var packet = unsafe HandedOffPacket(packet: burst.descriptor(index), fate: FragmentFate(.shown))
      unsafe packet.packet.isHandedOff = true
      // A full ring loses it: that worker asks for itself.
      _ = unsafe mesh.ring(from: self.index, to: worker).push(packet)
    }
    for doorbell in mesh.doorbells { doorbell.ringIfAsleep() }
  }

  // MARK: Sending

  /// Asks for a neighbour.
  mutating func solicit(_ entry: NeighborCache.Entry, isDirect: Bool) {
    guard let position = router.position(entry.lif) else { return }
    let port = router.ports[position]
    if entry.address.family == .ipv4 {
      guard let source = source(toward: entry.address, at: position) else { return }
      sendARP(
        Self.arpRequest, from: source, to: entry.address, isDirect ? entry.mac : .broadcast, at: position)
    } else {
      let group = entry.address.solicitedNode
      sendNeighbor(
        NeighborMessage(isSolicitation: true, target: entry.address, linkAddress: port.mac),
        from: source(toward: entry.address, at: position) ?? port.linkLocal,
        to: isDirect ? entry.address : group, isDirect ? entry.mac : MACAddress(multicast: group),
        at: position)
    }
  }

  /// Our address in the network of a neighbour, else the port's first one of its family.
  private func source(toward address: IPAddress, at position: Int) -> IPAddress? {
    for own in router.addresses where own.port == position && own.address.network.contains(address) {
      return own.address.address
    }
    return router.ports[position].source(for: address)
  }

  /// Tells a port's link of our addresses there. RFC 5227 §3, RFC 4861 §7.2.6.
  mutating func announce(at position: Int) {
    for own in router.addresses where own.port == position {
      if own.address.address.family == .ipv4 {
        sendARP(
          Self.arpRequest, from: own.address.address, to: own.address.address, .broadcast, at: position)
      } else {
        advertise(own.address.address, to: IPAddress(ipv6High: 0, low: 0), .broadcast, at: position)
      }
    }
  }

  /// - Parameter source: who asked; unspecified, and so everybody is told, for nobody.
  private mutating func advertise(
    _ target: IPAddress, to source: IPAddress, _ mac: MACAddress, at position: Int
  ) {
    let isAnswer = !source.isUnspecified
    var message = NeighborMessage(
      isSolicitation: false, target: target, linkAddress: router.ports[position].mac)
    message.isSolicited = isAnswer
    message.isOverride = true
    sendNeighbor(
      message, from: target, to: isAnswer ? source : .allNodes,
      isAnswer ? mac : MACAddress(multicast: .allNodes), at: position)
  }

  private mutating func sendARP(
    _ operation: UInt16, from source: IPAddress, to target: IPAddress, _ mac: MACAddress, at position: Int
  ) {
    let port = router.ports[position]
    guard let buffer = make(EthernetHeader.size + ARPPacket.ipv4OverEthernetSize) else { return }
    do {
      var bytes = outcome.pool.mutableBytes(buffer)
      EthernetHeader.write(destination: mac, source: port.mac, etherType: EtherType.arp, into: &bytes)
      ARPPacket.write(
        operation: operation, senderMAC: port.mac, sender: source,
        targetMAC: mac == .broadcast ? MACAddress(0) : mac, target: target, into: &bytes,
        at: EthernetHeader.size)
    }
    outcome.add(generated: buffer, lif: port.lif)
  }

  private mutating func sendNeighbor(
    _ message: NeighborMessage, from source: IPAddress, to destination: IPAddress, _ mac: MACAddress,
    at position: Int
  ) {
    let port = router.ports[position]
    let transport = EthernetHeader.size + IPv6Header.size
    guard let buffer = make(transport + message.length) else { return }
    do {
      var bytes = outcome.pool.mutableBytes(buffer)
      EthernetHeader.write(destination: mac, source: port.mac, etherType: EtherType.ipv6, into: &bytes)
      IPv6Header.write(
        source: source, destination: destination, nextHeader: IPProtocol.icmpv6,
        payloadLength: message.length, hopLimit: 255, into: &bytes, at: EthernetHeader.size)
      message.write(source: source, destination: destination, into: &bytes, at: transport)
    }
    outcome.add(generated: buffer, lif: port.lif)
  }

  /// An empty packet of `size` bytes; nil when there is no buffer.
  mutating func make(_ size: Int) -> PacketBuffer? {
    guard var buffer = outcome.pool.allocate() else { return nil }
    guard outcome.pool.extend(size, &buffer) else {
      outcome.pool.release(buffer)
      return nil
    }
    return buffer
  }

  private static var arpRequest: UInt16 { 1 }
  private static var arpReply: UInt16 { 2 }
}
