import Dataplane

/// Puts the passes of packets together as they come from workers, in any order: a packet that waits for its
/// first fragment, or whose session another worker owns, has several.
struct JourneyParts {
  /// What tells a packet from others while it is on its way. Of those that share it nobody can tell which is
  /// which. Time and position are not in it: fragments that wait take those of what they wait for.
  private struct Key: Hashable {
    let port: UInt8
    let captureTime: UInt64
    let bytes: ArraySlice<UInt8>
  }

  /// All passes of a packet in order, and its bytes.
  struct Whole {
    var passes: [TracedPass]
    var bytes: ArraySlice<UInt8>
  }

  /// Passes by packet, in each worker's order.
  private var parts: [Key: [TracedPass]] = [:]
  /// Journeys that may still begin.
  private var left: Int

  /// - Parameter count: journeys that are told; what begins behind them is passed over.
  init(count: Int) { left = count }

  /// Adds a pass.
  ///
  /// - Returns: the packet's passes, when that was the last one.
  mutating func add(_ pass: TracedPass, _ bytes: ArraySlice<UInt8>) -> Whole? {
    let key = Key(port: pass.port, captureTime: pass.captureTime, bytes: bytes)
    if pass.isBeginning {
      guard left > 0 else { return nil }
      left -= 1
    } else if left == 0, parts[key] == nil {
      return nil
    }
    parts[key, default: []].append(pass)
    if let chain = Self.chain(parts[key] ?? []), chain.isWhole { return take(chain, key) }
    // Ends of journeys of which nobody tells the beginning.
    if parts.count > Self.mostWaiting { parts = parts.filter { $0.value.contains(where: \.isBeginning) } }
    return nil
  }

  private mutating func take(_ chain: Chain, _ key: Key) -> Whole {
    parts[key] = chain.rest.isEmpty ? nil : chain.rest
    return Whole(passes: chain.passes, bytes: key.bytes)
  }

  /// Journeys whose next pass will not come any more: it was lost, or its worker was not asked yet.
  mutating func abandoned(at now: PacketTime) -> [Whole] {
    var found: [Whole] = []
    for (key, passes) in parts {
      guard let chain = Self.chain(passes), let last = chain.passes.last else { continue }
      let patience = last.final.kind == .hold ? Self.holdPatience : Self.handOffPatience
      if now.nanoseconds > last.time.nanoseconds &+ patience { found.append(take(chain, key)) }
    }
    return found
  }

  private static let mostWaiting = 1024
  /// Nanoseconds. A packet is handed over in microseconds, and fragments wait for 60 seconds at most.
  private static let handOffPatience: UInt64 = 1_000_000_000
  private static let holdPatience: UInt64 = 90_000_000_000

  /// A packet's passes in the order in which it went through them.
  private struct Chain {
    var passes: [TracedPass]
    /// Those of other packets that look the same.
    var rest: [TracedPass]
    /// Whether the last one is among them.
    var isWhole = false
  }

  /// - Returns: nil while the first one is missing.
  private static func chain(_ passes: [TracedPass]) -> Chain? {
    guard let first = passes.firstIndex(where: \.isBeginning) else { return nil }
    var chain = Chain(passes: [passes[first]], rest: passes)
    chain.rest.remove(at: first)
    while let last = chain.passes.last {
      guard !last.isEnd else {
        chain.isWhole = true
        return chain
      }
      let next =
        last.final.kind == .handOff
        ? chain.rest.firstIndex { $0.worker == last.final.worker && $0.isHandedOff }
        : chain.rest.firstIndex { $0.worker == last.worker && $0.hadWaited }
      guard let next else { break }
      chain.passes.append(chain.rest.remove(at: next))
    }
    return chain
  }
}
