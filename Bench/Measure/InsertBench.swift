import ArgumentParser
import Dataplane

/// `insert.*`: sessions opened one at a time in an empty table, with policy, timer and id.
struct InsertBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "insert", abstract: "Open sessions one at a time in an empty table.")

  /// How a session is opened.
  enum Way: String, ExpressibleByArgument, CaseIterable {
    /// From the first packet, as the miss policy `learn` does.
    case learn
    /// By a request without id, as the API does.
    case request
  }

  @OptionGroup var common: CommonOptions
  @Option(help: "4 or 6.") var family = 4
  @Option(help: "learn or request.") var way = Way.learn

  func run() throws {
    var random = SplitMix64()
    let flows = try FlowSet(count: common.flows, isIPv6: family == 6, &random)
    var burst = TupleBurst()
    var repetitions = Repetitions(common, facts: "\"flows\":\(common.flows),\"load\":0.5")
    while repetitions.next() {
      guard var table = LoadedSessions.empty(capacity: 2 * common.flows) else { throw OutOfMemory() }
      // The peer's memory is there before its first insertion: so is ours.
      table.flows.memory.commonPages.forEach { $0.populate { true } }
      let start = CPUClock.now
      switch way {
      case .learn: try learn(flows, &table, &burst)
      case .request: request(flows, &table)
      }
      let taken = CPUClock.now - start
      guard table.live == Int(common.flows) else {
        throw WrongAnswer("\(table.live) of \(common.flows) sessions are open")
      }
      repetitions.report(taken, operations: Int(common.flows))
    }
  }

  private func learn(
    _ flows: borrowing FlowSet, _ table: inout SessionTable, _ burst: inout TupleBurst
  ) throws {
    let policy = SessionPolicy(
      inLIF: .any, outLIF: .any, action: .forward, nextHop: nil, idle: 3600, handshake: 30,
      timeouts: Timeouts())
    guard let policy = table.policies.acquire(policy) else { throw WrongAnswer("no room for a policy") }
    // SAFETY: the set has `count` tuples of this family.
    unsafe burst.learn(
      flows.start, count: Int(flows.count), isIPv6: flows.isIPv6, at: LoadedSessions.time, policy: policy,
      in: &table)
  }

  private func request(_ flows: borrowing FlowSet, _ table: inout SessionTable) {
    for flow in 0..<flows.count {
      _ = table.add(flows.request(flow), replacing: false, at: LoadedSessions.time)
    }
  }
}
