import Dataplane

/// A live port as one worker uses it, of whatever kind. Crossed once for a burst.
package enum LiveQueue: Sendable {
  case afPacket(AFPacketQueue)
  case afXDP(AFXDPQueue)
  case tap(TapQueue)

  package var arrival: Arrival {
    switch self {
    case .afPacket(let queue): queue.arrival
    case .afXDP(let queue): queue.arrival
    case .tap(let queue): queue.arrival
    }
  }

  /// What is known of the link: looked at four times a second.
  var link: LinkState {
    switch self {
    case .afPacket(let queue): queue.link
    case .afXDP(let queue): queue.link
    case .tap(let queue): queue.link
    }
  }

  /// Called once before each receiving.
  ///
  /// - Returns: whether its interface is another one from now on.
  func begin(_ mesh: HandoffMesh, isAlone: Bool, now: PacketTime) -> Bool {
    switch self {
    case .afPacket(let queue): return queue.begin(mesh, isAlone: isAlone, now: now)
    case .afXDP(let queue):
      queue.begin(mesh, isAlone: isAlone, now: now)
      // A new queue comes with a new interface.
      return false
    case .tap(let queue): return queue.begin(mesh, isAlone: isAlone, now: now)
    }
  }

  func watch(_ wakes: inout PollSet) {
    switch self {
    case .afPacket(let queue): queue.watch(&wakes)
    case .afXDP(let queue): queue.watch(&wakes)
    case .tap(let queue): queue.watch(&wakes)
    }
  }

  func receive(into burst: inout PacketBurst, now: PacketTime) {
    switch self {
    case .afPacket(let queue): queue.receive(into: &burst, now: now)
    case .afXDP(let queue): queue.receive(into: &burst, now: now)
    case .tap(let queue): queue.receive(into: &burst, now: now)
    }
  }

  func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    switch self {
    case .afPacket(let queue): queue.transmit(burst, &outcome)
    case .afXDP(let queue): queue.transmit(burst, &outcome)
    case .tap(let queue): queue.transmit(burst, &outcome)
    }
  }

  func transmit(_ copy: RawSpan) -> Bool {
    switch self {
    case .afPacket(let queue): queue.transmit(copy)
    case .afXDP(let queue): queue.transmit(copy)
    case .tap(let queue): queue.transmit(copy)
    }
  }

  package func isSame(as other: LiveQueue) -> Bool {
    switch (self, other) {
    case (.afPacket(let queue), .afPacket(let other)): queue === other
    case (.afXDP(let queue), .afXDP(let other)): queue === other
    case (.tap(let queue), .tap(let other)): queue === other
    case (.afPacket, _), (.afXDP, _), (.tap, _): false
    }
  }

  /// The control side has others take its place: what had come can still be received.
  func retire() {
    switch self {
    case .afPacket(let queue): queue.retire()
    case .afXDP(let queue): queue.retire()
    case .tap(let queue): queue.retire()
    }
  }

  /// Counts the rest, after the last packet.
  func leave() {
    switch self {
    case .afPacket(let queue): queue.leave()
    case .afXDP(let queue): queue.leave()
    case .tap(let queue): queue.leave()
    }
  }

  /// Closes what the worker has left. From any thread.
  package func close() {
    switch self {
    case .afPacket(let queue): queue.close()
    case .afXDP(let queue): queue.close()
    case .tap(let queue): queue.close()
    }
  }

  /// Nanoseconds after which the kernel shows what it had received when it was stopped.
  var delay: UInt64 {
    switch self {
    case .afPacket(let queue): queue.delay
    case .afXDP, .tap: 0
    }
  }

  /// Whether packets wait for the device to send them.
  var hasUnsent: Bool {
    switch self {
    case .afXDP(let queue): queue.hasUnsent
    case .afPacket, .tap: false
    }
  }

  func shut() {
    switch self {
    case .afPacket(let queue): queue.shut()
    case .afXDP(let queue): queue.shut()
    case .tap(let queue): queue.shut()
    }
  }

  func finish() {
    leave()
    close()
  }
}
