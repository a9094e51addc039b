import Dataplane

/// A live port as one worker uses it, of whatever kind. Crossed once for a burst.
package enum LiveQueue: Sendable {
  case afPacket(AFPacketQueue)
  case afXDP(AFXDPQueue)
  case tap(TapQueue)

  var arrival: Arrival {
    switch self {
    case .afPacket(let queue): queue.arrival
    case .afXDP(let queue): queue.arrival
    case .tap(let queue): queue.arrival
    }
  }

  func begin(_ mesh: HandoffMesh, isAlone: Bool, now: PacketTime) {
    switch self {
    case .afPacket(let queue): queue.begin(mesh, isAlone: isAlone, now: now)
    case .afXDP(let queue): queue.begin(mesh, isAlone: isAlone, now: now)
    case .tap(let queue): queue.begin(mesh, isAlone: isAlone, now: now)
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

  func shut() {
    switch self {
    case .afPacket(let queue): queue.shut()
    case .afXDP(let queue): queue.shut()
    case .tap(let queue): queue.shut()
    }
  }

  func finish() {
    switch self {
    case .afPacket(let queue): queue.finish()
    case .afXDP(let queue): queue.finish()
    case .tap(let queue): queue.finish()
    }
  }
}
