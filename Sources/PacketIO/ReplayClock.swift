package import Dataplane

/// Packet time from capture time: never backwards, and not thrown off by a wild timestamp.
/// docs/decisions/0007.
package struct ReplayClock: Sendable {
  /// A jump further ahead than this is absurd until a second packet confirms it.
  private static let largestJump: UInt64 = 86_400 * PacketTime.nanosecondsPerSecond

  /// Time of the last packet.
  package private(set) var now: PacketTime
  /// Packets whose time lay more than a day ahead.
  package private(set) var jumps: UInt64 = 0
  /// Packets whose time lay before the packet's before them.
  package private(set) var reversals: UInt64 = 0
  /// The last jump not believed, and the position of its packet; so for one backwards.
  private var suspect: (time: UInt64, position: UInt64)?
  private var suspectBehind: (time: UInt64, position: UInt64)?
  /// What is added to capture times once time has been found to run on from an earlier point.
  private var offset: UInt64 = 0
  private var sequence: UInt64 = 0

  package init(start: PacketTime) { now = start }

  /// A capture begins, perhaps again, with a packet captured at `captured`. That time is believed unless it
  /// has passed, and what was found out about earlier times is forgotten.
  package mutating func begin(at captured: PacketTime) {
    now = max(now, captured)
    offset = 0
    suspect = nil
    suspectBehind = nil
  }

  /// The position of the next packet among all, from 0.
  @inline(__always) package mutating func nextSequence() -> UInt64 {
    sequence &+= 1
    return sequence &- 1
  }

  /// The packet time of a packet captured at `time`, in nanoseconds since the Unix epoch.
  @inline(__always)
  package mutating func advance(to captured: UInt64) -> PacketTime {
    let time = captured &+ offset
    // Both, for a hostile capture can bring time so near to the end of 64 bits that a sum wraps around.
    if time >= now.nanoseconds, time &- now.nanoseconds <= Self.largestJump {
      now = PacketTime(nanoseconds: time)
      return now
    }
    return irregular(time)
  }

  /// Backwards: time stands still. More than a day ahead: it stands still too, unless the packet before
  /// was there already; then the capture really has a gap. More than a day behind, and the packet before was
  /// there already: an earlier time was wild, or captures were joined; time runs on from where it stands.
  @inline(never)
  private mutating func irregular(_ time: UInt64) -> PacketTime {
    if time < now.nanoseconds {
      reversals += 1
      if now.nanoseconds - time > Self.largestJump { fallBack(time) }
      return now
    }
    jumps += 1
    if let suspect, sequence == suspect.position &+ 1, time >= suspect.time,
      time - suspect.time <= Self.largestJump
    {
      now = PacketTime(nanoseconds: time)
      self.suspect = nil
    } else {
      suspect = (time, sequence)
    }
    return now
  }

  private mutating func fallBack(_ time: UInt64) {
    let isConfirmed =
      suspectBehind.map { before in
        sequence == before.position &+ 1
          && max(time, before.time) - min(time, before.time) <= Self.largestJump
      } ?? false
    if isConfirmed {
      offset &+= now.nanoseconds - time
      suspectBehind = nil
    } else {
      suspectBehind = (time, sequence)
    }
  }
}
