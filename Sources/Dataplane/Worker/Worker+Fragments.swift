/// Fragments follow the first one of their datagram. docs/fragments.md.
///
/// When a packet lets others go that waited, they come right before or behind it, whatever the burst size:
/// the pass ends there, and what remains of the burst comes after them in passes of its own (`deferred`).
extension Worker {
  /// A fragment: the cache, or the worker that handed it over, says what it follows.
  ///
  /// - Returns: as `describe`.
  /// - Throws: what the cache finds wrong with it.
  mutating func place(
    fragment burst: borrowing PacketBurst, _ index: Int, _ frame: Frame, at position: Int, now: PacketTime
  ) throws(DropReason) -> Bool {
    if fates[index].kind == .unknown {
      guard try admit(burst, index, frame, now: now) else { return false }
    }
    let fate = fates[index]
    guard fate.kind == .ports else {
      if fate.kind == .first { return place(burst, index, frame, at: position, now: now) }
      withoutSession(frame, port: burst.port(index), index)
      return false
    }
    var packet = SessionPacket.empty
    packet.read(burst, index, vlan: frame.vlan, now: now)
    packet.readKey(
      frame, burst.bytes(index), fate.sourcePort, fate.destinationPort, isTCP: fate.isTCP, sessions.secret,
      &flows.addresses6[position])
    place(packet, frame, at: position)
    return true
  }

  /// Asks the cache about a fragment.
  ///
  /// - Returns: whether its fate is known; if not, its verdict is made, or it comes again in the next pass.
  private mutating func admit(
    _ burst: borrowing PacketBurst, _ index: Int, _ frame: Frame, now: PacketTime
  ) throws(DropReason) -> Bool {
    let part = frame.fragment(in: burst.bytes(index), originalLength: burst.originalLength(index))
    let key = datagram(burst, index, frame, part)
    if placement == .byDatagram, key.hash.worker(of: workerCount) != UInt32(self.index) {
      outcome.verdicts[index] = .handOff(to: key.hash.worker(of: workerCount))
      tally.handOffs += 1
      return false
    }
    if !fragments.held.hasBuffer { reclaimBuffers() }
    let answer = fragments.take(
      part, of: key, fate(of: frame, burst.bytes(index)), size: burst.bytes(index).byteCount,
      trigger(burst, index, now: now))
    // What was released comes next; and nothing of this pass may be older than a datagram's end.
    if fragments.held.releasedCount > 0 || fragments.deadline <= burst.time(burst.count - 1) {
      passEnd = index + 1
    }
    switch answer {
    case .follow(let fate):
      fates[index] = fate
      hasFates = true
      return true
    case .hold(let datagram):
      guard fragments.hold(burst, index, in: datagram) else { throw .noBuffer }
      outcome.verdicts[index] = Verdict(.hold)
      tally.held += 1
    case .drop(let reason): throw reason
    case .again: passEnd = index
    }
    return false
  }

  private func datagram(
    _ burst: borrowing PacketBurst, _ index: Int, _ frame: Frame, _ part: FragmentPart
  ) -> DatagramKey {
    let bytes = burst.bytes(index)
    let isV4 = frame.family == 4
    return DatagramKey(
      source: isV4 ? frame.ipv4(in: bytes).source : frame.ipv6(in: bytes).source,
      destination: isV4 ? frame.ipv4(in: bytes).destination : frame.ipv6(in: bytes).destination,
      identification: part.identification,
      protocolNumber: isV4 ? frame.ipv4(in: bytes).protocolNumber : 0,
      vlan: frame.vlan, secret: sessions.secret)
  }

  /// What a first fragment tells later ones; `unknown` for a later one.
  private func fate(of frame: Frame, _ bytes: RawSpan) -> FragmentFate {
    if frame.isLaterFragment { return FragmentFate(.unknown) }
    guard frame.hasPorts else { return FragmentFate(.withoutPorts) }
    let ports = frame.ports(in: bytes)
    return .ports(source: ports.source, destination: ports.destination, isTCP: frame.kind == .tcp)
  }

  private func trigger(
    _ burst: borrowing PacketBurst, _ index: Int, now: PacketTime
  ) -> HeldFragments.Trigger {
    HeldFragments.Trigger(time: max(burst.time(index), now), sequence: burst.sequence(index))
  }

  // MARK: Passes

  /// Forgets datagrams whose time is up before the burst's first packet, and ends the burst before the first
  /// packet by whose time others are.
  @inline(never)
  mutating func expireFragments(_ burst: inout PacketBurst) {
    while !burst.isEmpty, fragments.count > 0, fragments.deadline <= burst.time(burst.count - 1) {
      var index = 0
      while burst.time(index) < fragments.deadline { index += 1 }
      if index == 0 { fragments.expire(trigger(burst, 0, now: time)) }
      if index > 0 || fragments.held.releasedCount > 0 { return cut(&burst, at: index) }
    }
  }

  /// Takes what is behind `end` out of the burst, to come in later passes behind what was released.
  @inline(never)
  mutating func cut(_ burst: inout PacketBurst, at end: Int) {
    for index in stride(from: burst.count - 1, through: end, by: -1) {
      // SAFETY: a burst's bytes outlive all its passes.
      unsafe deferred.prepend(burst.descriptor(index), fates[index], heldSlots[index])
      fates[index] = FragmentFate(.unknown)
      heldSlots[index] = Slot.none
    }
    burst.keep(first: end)
    deferred.prepend(releasedFrom: &fragments.held)
  }

  /// Makes a burst of what comes next of `deferred`.
  @inline(never)
  mutating func resume(_ burst: inout PacketBurst) {
    burst.removeAll()
    hasFates = true
    while !burst.isFull, !deferred.isEmpty {
      let next = unsafe deferred.removeFirst()
      unsafe fates[burst.count] = next.fate
      unsafe heldSlots[burst.count] = next.heldSlot
      // SAFETY: bytes of a burst that is not over, or of a held packet's buffer.
      unsafe burst.append(next.packet)
    }
  }

  /// Ends a pass with fragments: their fates are forgotten, and buffers of those that had waited are free or
  /// lent to the workers that have them now.
  @inline(never)
  mutating func forgetFates(_ burst: borrowing PacketBurst) {
    for index in 0..<burst.count where heldSlots[index] != Slot.none {
      let verdict = outcome.verdicts[index]
      if verdict.kind == .handOff {
        let ring = unsafe mesh.ring(from: self.index, to: verdict.worker)
        unsafe fragments.held.lend(heldSlots[index], to: verdict.worker, until: ring.pushed)
      } else {
        fragments.held.giveBack(heldSlots[index])
      }
      heldSlots[index] = Slot.none
    }
    for index in 0..<PacketBurst.capacity { fates[index] = FragmentFate(.unknown) }
    hasFates = false
  }

  /// Gets lent buffers back. Waits for one in replay, where no fragment may be lost.
  private mutating func reclaimBuffers() {
    let mesh = mesh
    let own = index
    while true {
      fragments.held.reclaim { worker, mark in
        unsafe mesh.ring(from: own, to: worker).isReleased(upTo: mark)
      }
      if fragments.held.hasBuffer || !mesh.waits || !fragments.held.isLending { return }
      ThreadPause.yield()
    }
  }

  /// Drops the fragments that still wait, at the end of the run.
  mutating func giveUpFragments<Queue: PacketQueue & ~Copyable>(
    _ burst: inout PacketBurst, through queue: inout Queue
  ) {
    guard fragments.held.count > 0 else { return }
    // The largest number means the end where written captures are merged.
    fragments.giveUp(HeldFragments.Trigger(time: time, sequence: .max - 1))
    burst.removeAll()
    cut(&burst, at: 0)
    take(&burst, through: &queue)
  }
}
