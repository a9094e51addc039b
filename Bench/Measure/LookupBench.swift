import ArgumentParser
import Dataplane

/// `lookup.*`: 5-tuples through the flow table in bursts, the packet counted in its session.
struct LookupBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lookup", abstract: "Look tuples up in bursts and count a packet for each.")

  @OptionGroup var common: CommonOptions
  @Option(help: "4 or 6.") var family = 4
  @Option(help: "uniform or zipf.") var order = QueryOrder.uniform
  @Option(help: "Lookups of a repetition.") var queries = 2 << 20

  func validate() throws {
    guard family == 4 || family == 6 else { throw ValidationError("--family must be 4 or 6.") }
    guard queries > 0 else { throw ValidationError("--queries must be positive.") }
  }

  func run() throws {
    var random = SplitMix64()
    let flows = try FlowSet(count: common.flows, isIPv6: family == 6, &random)
    var sessions = try LoadedSessions(flows)
    let order = try HugeBuffer<UInt32>(count: queries)
    try self.order.fill(order, flows: common.flows, &random)
    let stream = try flows.stream(order)
    var burst = TupleBurst()
    var repetitions = Repetitions(common, facts: "\"flows\":\(common.flows),\"load\":0.5")
    while repetitions.next() {
      let start = CPUClock.now
      // SAFETY: the stream has `queries` tuples of this family.
      let found = unsafe burst.forward(
        stream.start, count: queries, isIPv6: family == 6, at: LoadedSessions.time,
        through: &sessions.table)
      let taken = CPUClock.now - start
      guard found == queries else { throw WrongAnswer("\(found) of \(queries) lookups found their session") }
      repetitions.report(taken, operations: queries)
    }
  }
}

/// A session table at 50 % load with a session for every flow.
struct LoadedSessions: ~Copyable {
  static let time = PacketTime(nanoseconds: 1_700_000_000_000_000_000)
  var table: SessionTable

  init(_ flows: borrowing FlowSet) throws {
    guard var table = Self.empty(capacity: 2 * flows.count) else { throw OutOfMemory() }
    for flow in 0..<flows.count {
      let answer = table.add(flows.request(flow), replacing: false, at: Self.time)
      guard answer.outcome == .added else {
        throw WrongAnswer("session \(flow) was not added: \(answer.outcome)")
      }
    }
    self.table = table
  }

  /// A table for `capacity` sessions.
  static func empty(capacity: UInt32) -> SessionTable? {
    var random = SplitMix64()
    return SessionTable(
      recordCount: capacity, worker: 0, capacity: SessionCapacity(limit: Int(capacity), isShared: false),
      secret: FlowSecret(using: &random), timeouts: Timeouts(), isReporting: false, at: time)
  }
}

/// The code under measurement did not do what was asked: then its speed means nothing.
struct WrongAnswer: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = "wrong answer: " + description }
}
