import Dataplane
import PacketIO
import Testing

@Suite("Captures packed by gzip")
struct PackedCaptureTests {
  private let captures = [CaptureBytes.sample(count: 60).bytes, PcapngBytes.sample(count: 60).bytes]

  @Test(arguments: [0, 1])
  func `the same packets as unpacked, of one member or several, by any size of blocks`(kind: Int) throws {
    let directory = try TemporaryDirectory()
    let bytes = captures[kind]
    let whole = try CapturePackets(directory.write(bytes))
    var many: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 777) {
      many += GzipBytes.member(Array(bytes[start..<min(start + 777, bytes.count)])) + GzipBytes.member([])
    }
    for packed in [
      GzipBytes.member(bytes), many, GzipBytes.member(bytes) + [UInt8](repeating: 0, count: 700),
    ] {
      let file = try directory.write(packed, to: "packed")
      for blockSize in [1, 1000, 1 << 17] {
        let read = try CapturePackets(file, blockSize: blockSize)
        #expect(read.error == nil && read.packets == whole.packets && read.offset == UInt64(bytes.count))
      }
    }
  }

  @Test(arguments: [0, 1])
  func `cut anywhere: whole packets, then where the packed data end`(kind: Int) throws {
    let directory = try TemporaryDirectory()
    let whole = try CapturePackets(directory.write(captures[kind])).packets
    let packed = GzipBytes.member(captures[kind])
    var most = 0
    for length in stride(from: 2, to: packed.count, by: 97) {
      let file = try directory.write(Array(packed.prefix(length)), to: "packed")
      var found: CaptureError?
      do throws(CaptureError) {
        let read = try CapturePackets(file)
        #expect(read.packets == Array(whole.prefix(read.packets.count)) && read.packets.count >= most)
        most = read.packets.count
        found = read.error
      } catch { found = error }
      let error = try #require(found, "cut at \(length)")
      #expect(error.code == .truncated && error.offset == UInt64(length), "\(error)")
      #expect(error.message.contains("gzip data end early"))
    }
    #expect(most > 50)
  }

  @Test func `damaged data are named with the packets before them kept`() throws {
    let directory = try TemporaryDirectory()
    let packed = GzipBytes.member(captures[0], checksum: 7)
    let read = try CapturePackets(directory.write(packed))
    #expect(read.packets.count == 60 && read.error?.code == .corrupt)
    #expect(read.error?.message.contains("incorrect data check") == true)
    let trailing = try CapturePackets(directory.write(GzipBytes.member(captures[0]) + Array("trailer".utf8)))
    #expect(trailing.packets.count == 60 && trailing.error?.code == .corrupt)
  }

  @Test func `a fault of the capture has its place in the unpacked bytes`() throws {
    let directory = try TemporaryDirectory()
    var bad = CaptureBytes.sample(count: 3)
    bad.add([1], captured: .max)
    let read = try CapturePackets(directory.write(GzipBytes.member(bad.bytes)))
    #expect(read.packets.count == 3 && read.error?.offset == UInt64(bad.starts[3]))
    #expect(read.error?.message.contains("counted in the unpacked capture") == true)
  }

  @Test func `what is packed but no capture is refused`() throws {
    let directory = try TemporaryDirectory()
    for (content, text) in [
      ([], "empty"), (Array("hello".utf8), "68 65 6c 6c"),
      (GzipBytes.member(captures[0]), "gzip within gzip"),
    ] {
      let file = try directory.write(GzipBytes.member(content))
      let error = #expect(throws: CaptureError.self) { try CapturePackets(file) }
      #expect(error?.code == .notACapture && error?.message.contains(text) == true)
    }
  }

  @Test func `mutated packed captures never trap`() throws {
    let directory = try TemporaryDirectory()
    var random = SplitMix64(state: 79)
    for round in 0..<500 {
      var bytes = GzipBytes.member(captures[round % 2])
      for _ in 0...random.next() % 3 {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      let file = try directory.write(bytes)
      do throws(CaptureError) {
        let read = try CapturePackets(file)
        #expect(read.error == nil || read.error?.offset != nil)
      } catch {
        #expect(error.file == file)
      }
    }
  }
}
