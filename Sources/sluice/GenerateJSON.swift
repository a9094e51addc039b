import Foundation
import Gateway
import PacketIO
import TrafficGenerator

/// The object of `generate --json`. Its names are an interface: they are added to, never changed.
struct GenerateJSON: Encodable {
  struct Sessions: Encodable {
    var finack, rst, timeout, live: UInt64
  }

  var packets, bytes: UInt64
  var sessions: Sessions
  /// What the packet path counted; only where the packets went through it.
  var replay: ReplayJSON?

  init(_ generation: Generation, _ replay: ReplayJSON? = nil) {
    packets = generation.progress.packets
    bytes = generation.progress.bytes
    let ends = generation.plan.sessions
    sessions = Sessions(finack: ends.finACK, rst: ends.reset, timeout: ends.timeout, live: ends.live)
    self.replay = replay
  }
}
