import ControlAPI
import Dataplane
import Foundation
import GRPCCore
import OPIProtos
import SwiftProtobuf
import Testing

/// AddSession of both packages, over a socket, into a daemon.
@Suite struct AddSessionTests {
  @Test(arguments: TestedPackage.allCases)
  func `a stream of good sessions is accepted and they are there`(_ package: TestedPackage) async throws {
    try await withTable(package) { (table) async throws in
      let before = Int64(Date().timeIntervalSince1970)
      let (response, trailing) = try await table.add(
        (1...64).map { Request(id: UInt64($0), host: UInt8($0)) })
      #expect(response.requeststatus == .sessionAccepted)
      #expect(response.errorstatus == 0)
      #expect(response.responseerror.isEmpty)
      #expect((before...before + 60).contains(response.starttime.seconds))
      #expect(Array(trailing[stringValues: "x-session-error"]).isEmpty)
      for id in [1, 64] as [UInt64] {
        let session = try #require(try await table.get(id))
        #expect(session.sessionid == id)
        #expect(session.sessionstate == .established)
        #expect(session.sessionclosecode == .notClosed)
        #expect(session.requeststatus == .accepted)
        #expect(session.hasStarttime)
        #expect(!session.hasEndtime)
      }
      #expect(try await table.get(65) == nil)
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `an empty stream is accepted`(_ package: TestedPackage) async throws {
    try await withTable(package) { (table) async throws in
      let (response, _) = try await table.add([])
      #expect(response == AddResponse())
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `bad ones of a stream are named by mask, list and text, the others are added`(
    _ package: TestedPackage
  ) async throws {
    try await withTable(package) { (table) async throws in
      var requests = (1...64).map { Request(id: UInt64($0), host: UInt8($0)) }
      requests[0].sourceport = 70_000
      requests[10].protocolid = .hopopt
      requests[63].clearAction()
      let (response, trailing) = try await table.add(requests)
      #expect(response.requeststatus == .sessionRejected)
      #expect(response.errorstatus == 0x8000_0000_0000_0401)
      #expect(response.responseerror.map(\.sessionid) == [1, 11, 64])
      #expect(response.responseerror.map(\.errorstatus) == [1, 1, 1])
      #expect(response.hasStarttime)
      let texts = Array(trailing[stringValues: "x-session-error"])
      #expect(texts.count == 3)
      #expect(texts.first == (package == .opi ? "0: sourceport" : "0: source_port") + " 70000 is above 65535")
      #expect(try await table.get(1) == nil)
      #expect(try await table.get(2) != nil)
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `A1: the call, else the listener, says how addresses are encoded`(
    _ package: TestedPackage
  ) async throws {
    try await withTable(package) { (table) async throws in
      _ = try await table.add([Request(id: 1, host: 1)])
      var host = Request(id: 2, host: 0)
      (host.sourceip, host.destinationip) = (0x0A00_0002, 0x0A09_0909)
      _ = try await table.add([host], ["x-ipv4-encoding": "host"])
      for id in [1, 2] as [UInt64] {
        let page = try await table.dataplane.listSessions(.with { $0.sessionID = id })
        #expect(page.sessions.map { [UInt8]($0.sourceAddress) } == [[10, 0, 0, UInt8(id)]])
        #expect(page.sessions.map { [UInt8]($0.destinationAddress) } == [[10, 9, 9, 9]])
      }
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `A2: a session without an id gets one of the server's`(_ package: TestedPackage) async throws {
    try await withTable(package) { (table) async throws in
      let (response, trailing) = try await table.add([
        Request(id: 0, host: 1), Request(id: 5, host: 2), Request(id: 0, host: 3),
      ])
      #expect(response.requeststatus == .sessionAccepted)
      let text = try #require(Array(trailing[stringValues: "x-assigned-session-ids"]).first)
      let ids = text.split(separator: ",").compactMap { UInt64($0) }
      #expect(Set(ids).count == 2)
      for id in ids {
        #expect(id >> 62 == 1)
        #expect(try await table.get(id) != nil)
      }
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `A17, A18: an id, a tuple or a swapped tuple that exists is refused`(
    _ package: TestedPackage
  ) async throws {
    try await withTable(package) { (table) async throws in
      _ = try await table.add([Request(id: 1, host: 1)])
      var swapped = Request(id: 3, host: 1)
      (swapped.sourceip, swapped.destinationip) = (swapped.destinationip, swapped.sourceip)
      (swapped.sourceport, swapped.destinationport) = (swapped.destinationport, swapped.sourceport)
      (swapped.inlif, swapped.outlif) = (swapped.outlif, swapped.inlif)
      let (response, _) = try await table.add([
        Request(id: 1, host: 9), Request(id: 2, host: 1), swapped, Request(id: 4, host: 4),
        Request(id: 4, host: 5),
      ])
      #expect(response.requeststatus == .sessionAlreadyExists)
      #expect(response.errorstatus == 0b10111)
      #expect(response.responseerror.map(\.sessionid) == [1, 2, 3, 4])
      #expect(response.responseerror.map(\.errorstatus) == [4, 4, 4, 4])
      #expect(try await table.get(4) != nil)
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `A9: one too many for the capacity inserts none`(_ package: TestedPackage) async throws {
    try await withTable(package) {
      $0.capacity = 10
    } _: { (table) async throws in
      var requests = (1...11).map { Request(id: UInt64($0), host: UInt8($0)) }
      let (full, _) = try await table.add(requests)
      #expect(full.requeststatus == .sessionTableFull)
      #expect(full.errorstatus == 0b111_1111_1111)
      #expect(full.responseerror.map(\.errorstatus) == Array(repeating: 2, count: 11))
      #expect(!full.hasStarttime)
      #expect(try await table.list().sessions.isEmpty)
      // An invalid one does not count.
      requests[5].cachetimeout = 86_401
      let (partial, _) = try await table.add(requests)
      #expect(partial.requeststatus == .sessionRejected)
      #expect(partial.errorstatus == 1 << 5)
      #expect(try await table.list().sessions.count == 10)
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `x-upsert changes a session of the same id and tuple`(_ package: TestedPackage) async throws {
    try await withTable(package) { (table) async throws in
      var request = Request(id: 1, host: 1)
      _ = try await table.add([request])
      request.action.actiontype = .drop
      #expect(try await table.add([request]).response.requeststatus == .sessionAlreadyExists)
      let (response, _) = try await table.add([request], ["x-upsert": "true"])
      #expect(response.requeststatus == .sessionAccepted)
      let page = try await table.dataplane.listSessions(.with { $0.sessionID = 1 })
      #expect(page.sessions.map(\.action) == [0])
      let other = Request(id: 1, host: 2)
      #expect(
        try await table.add([other], ["x-upsert": "true"]).response.requeststatus == .sessionAlreadyExists)
    }
  }

  @Test(arguments: TestedPackage.allCases)
  func `metadata that is not understood fails the call`(_ package: TestedPackage) async throws {
    try await withTable(package) { (table) async throws in
      for metadata in [["x-upsert": "yes"], ["x-ipv4-encoding": "big"]] as [Metadata] {
        let error = await #expect(throws: RPCError.self) {
          try await table.add([Request(id: 1, host: 1)], metadata)
        }
        #expect(error?.code == .invalidArgument)
      }
      #expect(try await table.get(1) == nil)
    }
  }
}
