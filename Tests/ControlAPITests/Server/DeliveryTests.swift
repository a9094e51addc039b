import ControlAPI
import Testing

@Suite struct DeliveryTests {
  @Test func `Who waits for messages returns once they are written`() async {
    let delivery = Delivery()
    delivery.wrote(2)
    #expect(await delivery.messages(upTo: 2) == 2)
    async let later = delivery.messages(upTo: 5)
    delivery.wrote(1)
    delivery.wrote(2)
    #expect(await later == 5)
  }

  @Test func `Nobody waits for what ended, and what was written is told`() async {
    let delivery = Delivery()
    async let count = delivery.messages(upTo: 3)
    delivery.wrote(1)
    delivery.end()
    #expect(await count == 1)
    #expect(await delivery.messages(upTo: 9) == 1)
  }

  @Test func `A cancelled task waits no longer`() async {
    let delivery = Delivery()
    let task = Task { await delivery.messages(upTo: 1) }
    task.cancel()
    #expect(await task.value == 0)
  }

  @Test func `Messages are counted where their last byte is`() {
    var lengths = MessageLengths()
    let bytes: [UInt8] = [0, 0, 0, 0, 2, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1]
    var counts: [Int] = []
    for byte in bytes + [2, 3] {
      _ = lengths.longest(in: CollectionOfOne(byte))
      counts.append(lengths.complete)
    }
    #expect(counts == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3])
    var whole = MessageLengths()
    _ = whole.longest(in: bytes)
    #expect(whole.complete == 2)
  }
}
