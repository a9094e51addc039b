import OPIProtos
import SwiftProtobuf
import Testing

/// Every message of both packages as protoc 3.21.12 encodes it (`protoc --encode`), written down: field
/// numbers, layouts and names of the generated code are those of the standard.
@Suite struct GoldenBytesTests {
  private static let request4 = hex(
    """
    08ac02 1001 1882809003 288a808008 38d209 408a808010 50bb03 5806 62070801108c888c20 680f
    """)
  private static let request6 = hex(
    """
    0807 1001 18ffffffffffffffffff01 2001 321020010db8000000000000000000000001 38ffff03
    4a1020010db8000000000000000000000002 5035 5811 621408021a10fe800000000000000000000000000009 6880a305
    """)

  @Test func `an IPv4 SessionRequest has the bytes of the standard`() throws {
    let opi = Opi_Security_Firewall_V1_SessionRequest.with {
      $0.sessionID = 300
      $0.inlif = 1
      $0.outlif = 100 << 16 | 2
      $0.sourceip = 0x0100_000A
      $0.sourceport = 1234
      $0.destinationip = 0x0200_000A
      $0.destinationport = 443
      $0.protocolid = .tcp
      $0.action.actiontype = .forward
      $0.action.actionnexthop = 0x0403_040C
      $0.cachetimeout = 15
    }
    let openOffload = Openoffload_V2_SessionRequest.with {
      $0.sessionID = 300
      $0.inLif = 1
      $0.outLif = 100 << 16 | 2
      $0.sourceIp = 0x0100_000A
      $0.sourcePort = 1234
      $0.destinationIp = 0x0200_000A
      $0.destinationPort = 443
      $0.protocolID = .tcp
      $0.action.actionType = .forward
      $0.action.actionNextHop = 0x0403_040C
      $0.cacheTimeout = 15
    }
    try expect(opi, Self.request4)
    try expect(openOffload, Self.request4)
  }

  @Test func `an IPv6 SessionRequest has the bytes of the standard`() throws {
    let opi = Opi_Security_Firewall_V1_SessionRequest.with {
      $0.sessionID = 7
      $0.inlif = 1
      $0.outlif = -1
      $0.ipversion = .ipv6
      $0.sourceipv6 = .init(hex("20010db8000000000000000000000001"))
      $0.sourceport = 65535
      $0.destinationipv6 = .init(hex("20010db8000000000000000000000002"))
      $0.destinationport = 53
      $0.protocolid = .udp
      $0.action.actiontype = .mirror
      $0.action.actionnexthopv6 = .init(hex("fe800000000000000000000000000009"))
      $0.cachetimeout = 86400
    }
    let openOffload = Openoffload_V2_SessionRequest.with {
      $0.sessionID = 7
      $0.inLif = 1
      $0.outLif = -1
      $0.ipVersion = .ipv6
      $0.sourceIpv6 = .init(hex("20010db8000000000000000000000001"))
      $0.sourcePort = 65535
      $0.destinationIpv6 = .init(hex("20010db8000000000000000000000002"))
      $0.destinationPort = 53
      $0.protocolID = .udp
      $0.action.actionType = .mirror
      $0.action.actionNextHopV6 = .init(hex("fe800000000000000000000000000009"))
      $0.cacheTimeout = 86400
    }
    try expect(opi, Self.request6)
    try expect(openOffload, Self.request6)
  }

  @Test func `ids and list arguments have the bytes of the standard`() throws {
    let id = hex("08ffffffffffffffffff01")
    try expect(Opi_Security_Firewall_V1_SessionId.with { $0.sessionID = .max }, id)
    try expect(Openoffload_V2_SessionId.with { $0.sessionID = .max }, id)
    let opi = Opi_Security_Firewall_V1_SessionRequestArgs.with {
      $0.sessionid = 1 << 63 | 1
      $0.sessionstate = .closed
    }
    try expect(opi, hex("0881808080808080808001 1003"))
    let openOffload = Openoffload_V2_SessionRequestArgs.with {
      $0.pageSize = 500
      $0.page = 1
      $0.startSession = 1 << 63 | 1
    }
    try expect(openOffload, hex("08f403 1001 1881808080808080808001"))
  }

  @Test func `AddSessionResponse has the bytes of the standard`() throws {
    let bytes = hex("0801 1081808080808080808001 1a0c0880e2cfaa0610ff93ebdc03 220408051004 22021001")
    let time = Google_Protobuf_Timestamp(seconds: 1_700_000_000, nanos: 999_999_999)
    let opi = Opi_Security_Firewall_V1_AddSessionResponse.with {
      $0.requeststatus = .sessionRejected
      $0.errorstatus = 1 << 63 | 1
      $0.starttime = time
      $0.responseerror = [
        .with {
          $0.sessionid = 5
          $0.errorstatus = 4
        }, .with { $0.errorstatus = 1 },
      ]
    }
    let openOffload = Openoffload_V2_AddSessionResponse.with {
      $0.requestStatus = .sessionRejected
      $0.errorStatus = 1 << 63 | 1
      $0.startTime = time
      $0.responseError = [
        .with {
          $0.sessionID = 5
          $0.errorStatus = 4
        }, .with { $0.errorStatus = 1 },
      ]
    }
    try expect(opi, bytes)
    try expect(openOffload, bytes)
  }

  @Test func `SessionResponse has the bytes of the standard`() throws {
    let bytes = hex(
      """
      08ac02 1001 1802 209601 28ffffffffffffffffff01 3003 3803 4a060880e2cfaa06 5208088ae2cfaa061001
      """)
    let opi = Opi_Security_Firewall_V1_SessionResponse.with {
      $0.sessionid = 300
      $0.inpackets = 1
      $0.outpackets = 2
      $0.inbytes = 150
      $0.outbytes = .max
      $0.sessionstate = .closed
      $0.sessionclosecode = .timeout
      $0.starttime = Google_Protobuf_Timestamp(seconds: 1_700_000_000)
      $0.endtime = Google_Protobuf_Timestamp(seconds: 1_700_000_010, nanos: 1)
    }
    let openOffload = Openoffload_V2_SessionResponse.with {
      $0.sessionID = 300
      $0.inPackets = 1
      $0.outPackets = 2
      $0.inBytes = 150
      $0.outBytes = .max
      $0.sessionState = .closed
      $0.sessionCloseCode = .timeout
      $0.startTime = Google_Protobuf_Timestamp(seconds: 1_700_000_000)
      $0.endTime = Google_Protobuf_Timestamp(seconds: 1_700_000_010, nanos: 1)
    }
    try expect(opi, bytes)
    try expect(openOffload, bytes)
  }

  @Test func `SessionResponses has the bytes of the standard`() throws {
    let bytes = hex("0a080801 3002 4a020801 0a040802 4002 1080808080808080808001")
    let opi = Opi_Security_Firewall_V1_SessionResponses.with {
      $0.sessioninfo = [
        .with {
          $0.sessionid = 1
          $0.sessionstate = .closing2
          $0.starttime = Google_Protobuf_Timestamp(seconds: 1)
        },
        .with {
          $0.sessionid = 2
          $0.requeststatus = .rejectedSessionNonexistent
        },
      ]
      $0.nextkey = 1 << 63
    }
    let openOffload = Openoffload_V2_SessionResponses.with {
      $0.sessionInfo = [
        .with {
          $0.sessionID = 1
          $0.sessionState = .closing2
          $0.startTime = Google_Protobuf_Timestamp(seconds: 1)
        },
        .with {
          $0.sessionID = 2
          $0.requestStatus = .rejectedSessionNonexistent
        },
      ]
      $0.nextKey = 1 << 63
    }
    try expect(opi, bytes)
    try expect(openOffload, bytes)
  }

  @Test func `enumerations have the numbers of the standard`() {
    #expect(Opi_Security_Firewall_V1_ActionType.allCases.map(\.rawValue) == [0, 1, 2, 3])
    #expect(Opi_Security_Firewall_V1_ProtocolId.allCases.map(\.rawValue) == [0, 6, 17])
    #expect(Opi_Security_Firewall_V1_SessionState.allCases.map(\.rawValue) == Array(0...4))
    #expect(Opi_Security_Firewall_V1_SessionCloseCode.allCases.map(\.rawValue) == Array(0...4))
    #expect(Opi_Security_Firewall_V1_AddSessionStatus.allCases.map(\.rawValue) == Array(0...4))
    #expect(Opi_Security_Firewall_V1_RequestStatus.allCases.map(\.rawValue) == Array(0...6))
    #expect(Openoffload_V2_ActionType.allCases.map(\.rawValue) == [0, 1, 2, 3])
    #expect(Openoffload_V2_ProtocolId.allCases.map(\.rawValue) == [0, 6, 17])
    #expect(Openoffload_V2_SessionState.allCases.map(\.rawValue) == Array(0...4))
    #expect(Openoffload_V2_SessionCloseCode.allCases.map(\.rawValue) == Array(0...4))
    #expect(Openoffload_V2_AddSessionStatus.allCases.map(\.rawValue) == Array(0...4))
    #expect(Openoffload_V2_RequestStatus.allCases.map(\.rawValue) == Array(0...6))
  }

  private func expect<M: Message & Equatable>(
    _ message: M, _ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try message.serializedBytes() as [UInt8] == bytes, sourceLocation: location)
    #expect(try M(serializedBytes: bytes) == message, sourceLocation: location)
  }
}
