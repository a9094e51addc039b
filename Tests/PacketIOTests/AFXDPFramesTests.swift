import Dataplane
import PacketIO
import Testing

@Suite("Frames of AF_XDP")
struct AFXDPFramesTests {
  private static let size = 2048
  private let mesh = HandoffMesh(workers: 1, waits: true)

  private func frames(_ count: Int) throws -> AFXDPFrames {
    try #require(AFXDPFrames(count: count, frameSize: Self.size, mesh: mesh))
  }

  private func packet(_ start: UnsafeRawPointer, _ length: UInt32 = 60) -> PacketDescriptor {
    PacketDescriptor(
      start: start, capturedLength: length, originalLength: length, time: .zero, captureTime: 0, sequence: 0,
      lif: 1, port: 0, link: .ethernet)
  }

  private func settle(_ frames: AFXDPFrames) { frames.settle(mesh, worker: 0, isAlone: true) }

  @Test func `a packet that is not sent frees its frame when the burst is over`() throws {
    let frames = try frames(4)
    let address = try #require(frames.fill())
    #expect(frames.available == 3 && frames.filled == 1)
    #expect(frames.lend(address + 256, 60) != nil)
    #expect(frames.filled == 0 && frames.inUse == 1)
    settle(frames)
    #expect(frames.available == 4 && frames.inUse == 0)
  }

  @Test func `a packet is sent where it lies, once`() throws {
    let frames = try frames(4)
    let address = try #require(frames.fill())
    let start = try #require(frames.lend(address + 256, 60))
    #expect(frames.pass(packet(start)) == address + 256)
    #expect(frames.pass(packet(start)) == nil)
    settle(frames)
    #expect(frames.inUse == 1)
    frames.complete(address + 256)
    #expect(frames.available == 4 && frames.takeFaults() == 0)
  }

  @Test func `what lies elsewhere is copied, as long as it fits`() throws {
    let frames = try frames(1)
    let bytes = [UInt8](repeating: 7, count: Self.size)
    try bytes.withUnsafeBytes { bytes in
      let start = try #require(bytes.baseAddress)
      #expect(frames.pass(packet(start)) == nil)
      #expect(frames.copy(start, Self.size - 255) == nil)
      #expect(frames.copy(start, Self.size - 256) == 256)
      #expect(frames.copy(start, 60) == nil)
    }
    frames.complete(256)
    #expect(frames.available == 1)
  }

  @Test(arguments: [0, 2048, 8192, 1 << 40, UInt64.max, UInt64.max - 100])
  func `what the kernel never had is refused`(address: UInt64) throws {
    let frames = try frames(4)
    #expect(frames.lend(address, 60) == nil)
    frames.complete(address)
    #expect(frames.takeFaults() == 2 && frames.available == 4)
  }

  @Test func `a packet beyond its frame is refused`() throws {
    let frames = try frames(4)
    let address = try #require(frames.fill())
    #expect(frames.lend(address + 256, UInt32(Self.size - 255)) == nil)
    #expect(frames.lend(address + 256, .max) == nil)
    #expect(frames.lend(address + 256, UInt32(Self.size - 256)) != nil)
    #expect(frames.lend(address + 256, 60) == nil)
    #expect(frames.takeFaults() == 3)
  }

  @Test func `a hundred thousand steps lose no frame`() throws {
    let frames = try frames(64)
    var random = SystemRandomNumberGenerator()
    var filled: [UInt64] = []
    var lent: [UnsafeRawPointer] = []
    var sending: [UInt64] = []
    for _ in 0..<100_000 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1: if let address = frames.fill() { filled.append(address) }
      case 2:
        guard !filled.isEmpty else { continue }
        let address = filled.remove(at: Int.random(in: 0..<filled.count, using: &random))
        lent.append(try #require(frames.lend(address + 256, 100)))
      case 3:
        guard let start = lent.popLast() else { continue }
        sending.append(try #require(frames.pass(packet(start))))
      case 4:
        guard !sending.isEmpty else { continue }
        frames.complete(sending.remove(at: Int.random(in: 0..<sending.count, using: &random)))
      default:
        settle(frames)
        lent.removeAll()
      }
      #expect(frames.filled == filled.count)
    }
    settle(frames)
    for address in sending { frames.complete(address) }
    #expect(frames.available == 64 - filled.count && frames.inUse == 0 && frames.takeFaults() == 0)
  }
}
