/// What routing does as time passes. docs/routing.md.
extension Worker {
  /// Asks for neighbours that are due, and gives up those that did not answer.
  @inline(never)
  mutating func lookAtNeighbors() {
    router.nextLook = time.advanced(by: Router.lookInterval)
    var position: UInt32 = 0
    while let event = router.cache.next(&position, now: time) {
      switch event {
      case .request(let place, let isDirect): solicit(router.cache[place], isDirect: isDirect)
      case .resolved(let place):
        let entry = router.cache[place]
        guard let out = router.position(entry.lif) else { continue }
        while let packet = router.cache.takeHeld(place) { release(packet, entry.mac, at: out) }
      case .failed(let place):
        while let packet = router.cache.takeHeld(place) { giveUp(packet) }
        router.cache.remove(place)
      }
    }
  }

  /// A packet whose next hop did not answer: it is dropped, and its sender told.
  private mutating func giveUp(_ packet: HeldPacket) {
    if packet.origin == .released {
      count(packet, droppedFor: .neighborUnresolved)
      tellUnreachable(packet.buffer, at: Int(packet.port))
    }
    drop(packet)
  }

  private mutating func tellUnreachable(_ buffer: PacketBuffer, at position: Int) {
    // SAFETY: the buffer is released only after this; nothing that is made shares its place in the pool.
    let bytes = unsafe outcome.pool.lastingBytes(buffer)
    guard let frame = try? Frame.parse(bytes, link: .ethernet, originalLength: UInt32(bytes.byteCount)) else {
      return
    }
    tell(.hostUnreachable, about: bytes, frame, at: position, now: time)
  }

  /// Asks the queue for its links: MTUs follow, and where a link has come back or is another one all begins
  /// anew.
  @inline(never)
  mutating func lookAtLinks<Queue: PacketQueue & ~Copyable>(_ queue: borrowing Queue) {
    router.linkMoves = queue.linkMoves
    for position in 0..<router.portCount where router.ports[position].isRouted {
      let known = router.ports[position]
      let link =
        queue.linkState(of: position) ?? LinkState(mtu: known.mtu, isUp: true, interface: known.interface)
      let isAnother = link.interface != known.interface
      let hasCome = link.isUp && (!known.isUp || isAnother)
      router.ports[position].mtu = link.mtu
      router.ports[position].isUp = link.isUp
      router.ports[position].interface = link.interface
      if hasCome || isAnother { router.cache.forget(lif: known.lif) }
      guard hasCome || link.isUp && router.ports[position].announces else { continue }
      router.ports[position].announces = false
      if index == 0 { announce(at: position) }
    }
  }
}

extension Worker {
  /// Counts a packet that has waited for its next hop and was sent, or could not be: it was in no sum until
  /// now.
  mutating func publishReleased(_ packet: PacketCopy) {
    counters.add(.packets)
    counters.add(.bytes, UInt64(packet.originalLength))
    if packet.failed {
      if !taps.isEmpty { showDropped(packet.buffer, for: .transmitFailed, at: Int(packet.arrivalPort)) }
      counters.add(.dropped)
      return counters.add(.transmitFailed, port: Int(packet.arrivalPort))
    }
    switch packet.kind {
    case .mirror: counters.add(.mirrored)
    case .snoop: counters.add(.snooped)
    default: counters.add(.forwarded)
    }
  }

  /// Counts a packet that has waited in vain.
  mutating func count(_ packet: HeldPacket, droppedFor reason: DropReason) {
    if !taps.isEmpty { showDropped(packet.buffer, for: reason, at: Int(packet.port)) }
    counters.add(.packets)
    counters.add(.bytes, UInt64(packet.bytes))
    counters.add(.dropped)
    counters.add(reason, port: Int(packet.port))
  }
}
