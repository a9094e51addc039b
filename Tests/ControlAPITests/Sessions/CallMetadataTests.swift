import Config
import ControlAPI
import GRPCCore
import Testing

@Suite struct CallMetadataTests {
  @Test func `what a call does not say is as it is by default`() throws {
    let metadata = CallMetadata(["x-other": "true"])
    #expect(try metadata.isUpsert == false)
    #expect(try metadata.isFollowing == false)
    #expect(try metadata.ipv4Encoding(default: .host) == .host)
    #expect(try metadata.ipv4Encoding(default: .inetPton) == .inetPton)
  }

  @Test func `what a call says goes before`() throws {
    let metadata = CallMetadata(["x-upsert": "true", "x-follow": "true", "x-ipv4-encoding": "host"])
    #expect(try metadata.isUpsert)
    #expect(try metadata.isFollowing)
    #expect(try metadata.ipv4Encoding(default: .inetPton) == .host)
    #expect(try CallMetadata(["x-upsert": "false"]).isUpsert == false)
    #expect(try CallMetadata(["x-ipv4-encoding": "inet_pton"]).ipv4Encoding(default: .host) == .inetPton)
    #expect(try CallMetadata(["x-upsert": "true", "x-upsert": "true"]).isUpsert)
  }

  @Test(arguments: ["", "yes", "1", "True", "true ", "false,true"])
  func `another value is refused, not ignored`(_ value: String) {
    let accepted = "metadata x-upsert: \"\(value)\" is refused; accepted: true or false"
    #expect(throws: RPCError(code: .invalidArgument, message: accepted)) {
      try CallMetadata(["x-upsert": .string(value)]).isUpsert
    }
    #expect(throws: RPCError.self) {
      try CallMetadata(["x-ipv4-encoding": .string(value)]).ipv4Encoding(default: .host)
    }
  }

  @Test func `two values that differ are refused`() {
    #expect(throws: RPCError.self) { try CallMetadata(["x-upsert": "true", "x-upsert": "false"]).isUpsert }
    #expect(throws: RPCError.self) {
      try CallMetadata(["x-ipv4-encoding": "host", "x-ipv4-encoding": "inet_pton"]).ipv4Encoding(
        default: .host)
    }
  }
}
