import Dataplane
import PacketIO

/// A capture read to its end, packet by packet.
struct CapturePackets {
  struct Packet: Equatable {
    var bytes: [UInt8]
    var originalLength: UInt32
    var captureTime: UInt64
    var time: UInt64
  }

  private(set) var packets: [Packet] = []
  private(set) var error: CaptureError?
  /// How far into the file it read.
  private(set) var offset: UInt64 = 0
  private(set) var retiredBlocks = 0
  private(set) var clock: ReplayClock

  /// - Parameters:
  ///   - maps: whether long packets are shown by windows.
  ///   - afterBurst: called with the number of packets so far.
  init(
    _ file: String, burst limit: Int = 64, blockSize: Int = 1, maps: Bool = false, start: UInt64 = 0,
    afterBurst: (Int) -> Void = { _ in }
  ) throws(CaptureError) {
    let reader = try CaptureReader(file: file, blockSize: blockSize, mapsLongPackets: maps)
    try reader.assign(.each((0...255).map { Arrival(lif: UInt16($0) + 1, port: $0) }))
    clock = ReplayClock(start: PacketTime(nanoseconds: start))
    var burst = PacketBurst(limit: limit)
    while true {
      burst.removeAll()
      reader.retired.removeAll()
      burst.fill { places in reader.fill(places, clock: &clock) }
      retiredBlocks += reader.retired.count
      if burst.isEmpty { break }
      for index in 0..<burst.count {
        packets.append(
          Packet(
            bytes: burst.bytes(index).withUnsafeBytes { [UInt8]($0) },
            originalLength: burst.originalLength(index),
            captureTime: burst.captureTime(index), time: burst.time(index).nanoseconds))
      }
      afterBurst(packets.count)
    }
    error = reader.error
    offset = reader.offset
  }
}
