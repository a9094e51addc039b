import Config
import ControlAPI
import Dataplane
import GRPCCore
import Testing

@Suite struct RequestCollectorTests {
  private func collector(limit: Int, budget: RequestBudget) -> RequestCollector {
    var configuration = Configuration()
    configuration.api.lifPolicy = .opaque
    return RequestCollector(
      SessionRequestRules(configuration), ipv4: .inetPton, limit: limit, budget: budget)
  }

  private func fields(_ position: Int, isGood: Bool = true) -> SessionRequestFields {
    var fields = SessionRequestFields()
    fields.sessionID = UInt64(position + 1)
    fields.sourceIPv4 = UInt32(position)
    fields.protocolID = isGood ? 6 : 0
    fields.hasAction = true
    return fields
  }

  @Test func `good and bad requests are kept in the stream's order`() throws {
    var collector = collector(limit: 1000, budget: RequestBudget(10_000))
    for position in 0..<1000 { try collector.append(fields(position, isGood: position % 3 != 0)) }
    let accepted = collector.accepted.map(\.id.rawValue)
    let refused = collector.refused.map(\.position)
    #expect(collector.count == 1000)
    let good: [UInt64] = (0..<1000).filter { $0 % 3 != 0 }.map { $0 + 1 }
    #expect(accepted == good)
    #expect(refused == Array(stride(from: 0, to: 1000, by: 3)))
  }

  @Test(arguments: [1, 63, 64, 65, 1000])
  func `a stream may have the limit's messages and no more`(_ limit: Int) throws {
    var collector = collector(limit: limit, budget: RequestBudget(10_000))
    for position in 0..<limit { try collector.append(fields(position)) }
    do throws(RPCError) {
      try collector.append(fields(limit))
      Issue.record("accepted")
    } catch {
      #expect(error.code == .resourceExhausted)
      #expect(error.message.contains("\(limit) sessions"))
    }
  }

  @Test func `all streams together may hold the budget, which they give back`() throws {
    let budget = RequestBudget(200)
    do {
      var first = collector(limit: 1000, budget: budget)
      for position in 0..<128 { try first.append(fields(position)) }
      #expect(budget.available == 72)
      var second = collector(limit: 1000, budget: budget)
      for position in 0..<64 { try second.append(fields(position)) }
      #expect(budget.available == 8)
      #expect(throws: RPCError.self) { try second.append(fields(64)) }
      #expect(budget.available == 8)
      _ = consume second
      #expect(budget.available == 72)
      _ = consume first
    }
    #expect(budget.available == 200)
  }
}
