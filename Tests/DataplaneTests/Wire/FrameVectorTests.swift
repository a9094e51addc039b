import Dataplane
import Testing

@Suite("Frame agrees with scapy")
struct FrameVectorTests {
  /// What we say about a packet under the names of the vector file.
  private static func values(_ frame: Frame, _ bytes: RawSpan) -> [String: String] {
    var values = [
      "kind": "\(frame.kind)", "family": "\(frame.family)", "vlan": "\(frame.vlan)",
      "tags": "\(frame.tagCount)",
      "etherType": "\(frame.etherType)", "networkOffset": "\(frame.networkOffset)",
      "protocol": "\(frame.ipProtocol)", "transportOffset": "\(frame.transportOffset)",
      "transportLength": "\(frame.transportLength)",
    ]
    if frame.family == 4 {
      values["src"] = "\(frame.ipv4(in: bytes).source)"
      values["dst"] = "\(frame.ipv4(in: bytes).destination)"
    } else if frame.family == 6 {
      values["src"] = "\(frame.ipv6(in: bytes).source)"
      values["dst"] = "\(frame.ipv6(in: bytes).destination)"
    }
    if frame.hasPorts {
      values["sport"] = "\(frame.ports(in: bytes).source)"
      values["dport"] = "\(frame.ports(in: bytes).destination)"
    }
    if frame.tcpFieldsCaptured {
      let tcp = frame.tcp(in: bytes)
      values["seq"] = "\(tcp.sequence)"
      values["ack"] = "\(tcp.acknowledgment)"
      values["flags"] = "\(tcp.flags.rawValue)"
      values["window"] = "\(tcp.window)"
    }
    if frame.isFirstFragment { values["fragment"] = "first" }
    if frame.isLaterFragment { values["fragment"] = "later" }
    if values["fragment"] != nil {
      values["id"] = "\(frame.fragment(in: bytes, originalLength: 0).identification)"
    }
    return values
  }

  @Test func `every packet of the vector file`() throws {
    let vectors = try FrameVector.all()
    #expect(vectors.count > 300)
    for vector in vectors {
      let bytes = vector.bytes.span.bytes
      let frame = try Frame.parse(bytes, link: vector.link, originalLength: UInt32(vector.bytes.count))
      let ours = Self.values(frame, bytes)
      for (key, value) in vector.expected {
        #expect(ours[key] == value, "\(vector.name): \(key)")
      }
      #expect((ours["fragment"] == nil) == (vector.expected["fragment"] == nil), "\(vector.name)")
      #expect(frame.hasPorts == (vector.expected["sport"] != nil), "\(vector.name)")
      #expect(!frame.isSnapped, "\(vector.name)")
    }
  }

  @Test func `both byte orders of the OpenBSD loopback`() throws {
    for vector in try FrameVector.all() where vector.link == .bsdNull {
      let frame = try Packets.parse(vector.bytes, link: .bsdLoop)
      #expect("\(frame.kind)" == vector.expected["kind"], "\(vector.name)")
    }
  }
}
