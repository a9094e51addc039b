import Config
import ControlAPI
import ControlClient
import Dataplane
import OPIProtos
import SwiftProtobuf
import Testing

/// What the command line sends means to the server what was meant.
@Suite struct SessionRequestMessageTests {
  private static let four = (IPAddress(ipv4: 0x0A00_0001), IPAddress(ipv4: 0xC633_6401))
  private static let six = (
    IPAddress(ipv6High: 0x2001_0DB8_0000_0001, low: 0x0203_0405_0607_0809), IPAddress(ipv6High: 0, low: 1)
  )

  @Test(arguments: [four, six], Action.allCases)
  func `a request comes through client and server as it was`(
    _ addresses: (IPAddress, IPAddress), _ action: Action
  ) throws {
    for transport in SessionProtocol.allCases {
      let needsNextHop = action == .mirror || action == .snoop
      let request = SessionRequest(
        id: SessionID(1 << 62 - 1), inLIF: LIF(number: 1, vlan: 4094), outLIF: LIF(number: 65_535),
        tuple: FiveTuple(
          source: addresses.0, sourcePort: 65_535, destination: addresses.1, destinationPort: 1,
          transport: transport),
        action: action, nextHop: needsNextHop ? addresses.1 : nil, cacheTimeout: 86_400)
      let bytes: [UInt8] = try Opi_Security_Firewall_V1_SessionRequest(request).serializedBytes()
      var configuration = Configuration()
      configuration.api.lifPolicy = .opaque
      let fields = try SessionRequestFields(decoding: bytes.span)
      #expect(try SessionRequestRules(configuration).request(fields, ipv4: .inetPton) == request)
    }
  }
}
