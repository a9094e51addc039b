import Config
import Dataplane

/// Configurations and sessions files, loaded from a file as the product loads them.
enum TextCheck {
  static func configurationProblems(with input: [UInt8]) -> [String] {
    let file = ScratchFile(input)
    do throws(ConfigError) {
      let configuration = try Configuration.load(path: file.path)
      var problems = sessionProblems(configuration.sessions)
      if !(1...64).contains(configuration.workers) { problems.append("\(configuration.workers) workers") }
      if !(1...4_000_000_000).contains(configuration.capacity) {
        problems.append("a capacity of \(configuration.capacity)")
      }
      let numbers = configuration.ports.map(\.lif.number)
      if Set(numbers).count != numbers.count || numbers.contains(0) {
        problems.append("ports with LIFs \(numbers)")
      }
      return problems
    } catch {
      return errorProblems(error)
    }
  }

  static func sessionsProblems(with input: [UInt8]) -> [String] {
    let file = ScratchFile(input)
    do throws(ConfigError) {
      return sessionProblems(try SessionsFile.load(path: file.path))
    } catch {
      return errorProblems(error)
    }
  }

  /// Sessions that were accepted can be added, all of them.
  private static func sessionProblems(_ requests: [SessionRequest]) -> [String] {
    guard !requests.isEmpty else { return [] }
    var generator = SystemRandomNumberGenerator()
    let setup = WorkerSetup(
      workers: 1, capacity: requests.count, ports: [], waits: true, generator: &generator)
    guard var worker = try? Worker(setup, index: 0, events: nil) else { return ["no memory for a worker"] }
    let batch = SessionBatch(.add(requests, replacing: false))
    worker.apply(batch)
    return batch.outcomes.enumerated().filter { $0.element.outcome != .added }.map {
      "accepted session \($0.offset) cannot be added: \($0.element.outcome)"
    }
  }

  /// A refusal names its file and says something, within bounds.
  private static func errorProblems(_ error: ConfigError) -> [String] {
    var problems: [String] = []
    if error.problems.isEmpty { problems.append("a refusal without a reason") }
    if error.problems.count > ConfigError.limit { problems.append("\(error.problems.count) reasons") }
    for problem in error.problems where problem.message.isEmpty || problem.file.isEmpty {
      problems.append("a reason without file or words: \(problem)")
    }
    if error.description.utf8.count > 64 << 10 { problems.append("a refusal of more than 64 KiB") }
    return problems
  }
}
