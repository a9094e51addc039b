import Config
import Testing

@Suite("How workers run")
struct WorkerSettingsTests {
  private func threads(_ text: String) throws -> WorkerSettings {
    try Configuration.parse(text, file: "x.yaml").threads
  }

  @Test func `workers are placed by the daemon and sleep when there is nothing to do`() throws {
    let threads = try threads("")
    #expect(threads == WorkerSettings())
    #expect(threads.cores == .auto && !threads.isBusyPolling && threads.idleMicroseconds == 50)
    #expect(threads.fifoPriority == nil && !threads.locksMemory && threads.prefaults)
  }

  @Test func `every key is honoured`() throws {
    let threads = try threads(
      """
      cores: [3, 1]
      idle_budget_us: 200
      scheduler_policy: fifo
      scheduler_priority: 40
      mlockall: true
      prefault: false
      """)
    #expect(threads.cores == .list([3, 1]) && threads.idleMicroseconds == 200)
    #expect(threads.fifoPriority == 40 && threads.locksMemory && !threads.prefaults)
    #expect(try self.threads("polling: busy").isBusyPolling)
    #expect(try !self.threads("polling: adaptive").isBusyPolling)
    #expect(try self.threads("cores: any").cores == .any && self.threads("cores: auto").cores == .auto)
    #expect(try self.threads("scheduler_policy: fifo").fifoPriority == 1)
    #expect(try self.threads("scheduler_policy: other").fifoPriority == nil)
  }

  @Test func `a list of CPUs says how many workers there are`() throws {
    #expect(try Configuration.parse("cores: [4, 2, 0]", file: "x.yaml").workers == 3)
    #expect(try Configuration.parse("cores: [4, 2]\nworkers: 2", file: "x.yaml").workers == 2)
    #expect(
      refusals("workers: 3\ncores: [4, 2]") == [
        "x.yaml:1:10: workers: 3 contradicts cores, which names 2; name one for each, or leave workers out"
      ])
  }

  @Test(arguments: [
    ("cores: all", "1:8: cores: \"all\" is not one of auto, any, a list such as [2, 3]"),
    ("cores:", "1:7: cores: an empty value is not one of auto, any, a list such as [2, 3]"),
    ("cores: 2", "1:8: cores: \"2\" is not one of auto, any, a list such as [2, 3]"),
    ("cores: {}", "1:8: cores: a mapping is not one of auto, any, a list such as [2, 3]"),
    ("cores: []", "1:8: cores: names 0 CPUs; accepted: 1...64, one for each worker"),
    ("cores: [1, x]", "1:12: cores[1]: \"x\" is not a CPU; accepted: 0...8191"),
    ("cores: [-1]", "1:9: cores[0]: \"-1\" is not a CPU; accepted: 0...8191"),
    ("cores: [8192]", "1:9: cores[0]: \"8192\" is not a CPU; accepted: 0...8191"),
    ("cores: [01]", "1:9: cores[0]: \"01\" is not a CPU; accepted: 0...8191"),
    ("cores: ['1']", "1:9: cores[0]: \"1\" is not a CPU; accepted: 0...8191"),
    ("cores: [[1]]", "1:9: cores[0]: a list is not a CPU; accepted: 0...8191"),
    ("cores: [1, 2, 1]", "1:15: cores[2]: CPU 1 is also that of cores[0]; accepted: each once"),
    ("polling: lazy", "1:10: polling: \"lazy\" is not one of adaptive, busy"),
    ("idle_budget_us: 1000001", "1:17: idle_budget_us: 1000001 is out of range; accepted: 0...1000000"),
    (
      "{ polling: busy, idle_budget_us: 5 }",
      "1:34: idle_budget_us: stands beside polling: busy, which never sleeps; keep one"
    ),
    ("scheduler_policy: rr", "1:19: scheduler_policy: \"rr\" is not one of other, fifo"),
    (
      "{ scheduler_policy: fifo, scheduler_priority: 100 }",
      "1:47: scheduler_priority: 100 is out of range; accepted: 1...99"
    ),
    (
      "scheduler_priority: 5",
      "1:21: scheduler_priority: needs scheduler_policy: fifo; the ordinary scheduler has no priorities"
    ),
    ("prefault: no", "1:11: prefault: \"no\" is not one of true, false"),
    ("mlockall: 1", "1:11: mlockall: \"1\" is not one of true, false"),
  ])
  func `wrong values are refused`(text: String, message: String) {
    #expect(refusals(text) == ["x.yaml:" + message])
  }
}
