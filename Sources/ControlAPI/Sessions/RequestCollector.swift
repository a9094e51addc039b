package import Config
package import Dataplane
package import GRPCCore

/// The requests of one AddSession stream, judged as they come and kept until the stream ends.
package struct RequestCollector: ~Copyable {
  /// Those that go to the table, in the stream's order.
  package private(set) var accepted: [SessionRequest] = []
  /// Those that do not, in the stream's order.
  package private(set) var refused: [RefusedRequest] = []
  /// Messages that came.
  package private(set) var count = 0

  private let rules: SessionRequestRules
  private let encoding: IPv4Encoding
  private let budget: RequestBudget
  /// The most messages of a stream.
  private let limit: Int
  /// What was taken from the budget; not less than `count`.
  private var paid = 0

  package init(_ rules: SessionRequestRules, ipv4 encoding: IPv4Encoding, limit: Int, budget: RequestBudget) {
    self.rules = rules
    self.encoding = encoding
    self.limit = limit
    self.budget = budget
  }

  deinit { budget.giveBack(paid) }

  /// - Throws: RESOURCE_EXHAUSTED when the stream, or all together, have too many.
  package mutating func append(_ fields: SessionRequestFields) throws(RPCError) {
    if count == paid { try makeRoom() }
    do throws(SessionRequestProblem) {
      accepted.append(try rules.request(fields, ipv4: encoding))
    } catch {
      refused.append(RefusedRequest(position: count, id: fields.sessionID, problem: error))
    }
    count += 1
  }

  /// Room for as many again, up to the limit.
  @inline(never)
  private mutating func makeRoom() throws(RPCError) {
    guard count < limit else {
      throw RPCError(
        code: .resourceExhausted,
        message: "a stream may have \(limit) sessions; none was added. Send the others in another stream")
    }
    let more = min(max(count, Self.first), limit - count)
    guard budget.take(more) else {
      throw RPCError(
        code: .resourceExhausted,
        message: "unfinished streams hold too many sessions; none of this stream was added. Try again later")
    }
    paid += more
    accepted.reserveCapacity(paid)
  }

  /// Most clients send batches of so many.
  private static let first = 64
}
