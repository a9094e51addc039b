import Config
import ControlAPI
import Testing

@Suite struct ListenerContextTests {
  @Test func keepsWhatItIsGiven() {
    let context = ListenerContext(name: "unix:x", ipv4Encoding: .host)
    #expect(context.ipv4Encoding == .host)
  }
}
