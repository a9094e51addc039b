import Dataplane
import Testing

/// The session table against a naive model, through millions of random operations.
///
/// The model is written from the semantics, not from the table. It leaves open only what they leave open:
/// when within two timer ticks an expired session is noticed, which of two sessions with overlapping LIFs a
/// packet finds, and which lingering session makes room.
@Suite("Session table against a model")
struct SessionModelTests {
  private struct Case: CustomTestStringConvertible {
    var seed: UInt64
    var records: UInt32
    var limit: Int
    var testDescription: String { "seed \(seed), \(records) records, limit \(limit)" }
  }

  private static let cases = [
    Case(seed: 1, records: 8, limit: 6), Case(seed: 2, records: 8, limit: 100),
    Case(seed: 3, records: 20, limit: 20), Case(seed: 4, records: 60, limit: 50),
    Case(seed: 5, records: 300, limit: 256), Case(seed: 6, records: 300, limit: 1000),
    Case(seed: 7, records: 100, limit: 100), Case(seed: 8, records: 1, limit: 1),
  ]

  @Test(arguments: cases) private func `a quarter of a million operations`(_ test: Case) throws {
    let driver = try ModelDriver(seed: test.seed, records: test.records, limit: test.limit)
    for step in 0..<250_000 {
      driver.operate()
      if step % 500 == 0 { driver.compare() }
      if let problem = driver.problem {
        Issue.record("seed \(test.seed) step \(step) \(driver.operation): \(problem)")
        return
      }
    }
    driver.finish()
    #expect(driver.problem == nil)
    print("session model \(test.testDescription): \(driver.summary)")
  }
}
