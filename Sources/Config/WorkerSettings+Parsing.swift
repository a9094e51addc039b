internal import Yams

extension WorkerSettings {
  /// Keys of the configuration that are read here.
  static let keys = [
    "cores", "polling", "idle_budget_us", "scheduler_policy", "scheduler_priority", "mlockall", "prefault",
  ]

  /// Reads them.
  init(_ fields: MappingReader, _ problems: inout ProblemList) {
    self.init()
    cores = CoreChoice(fields, &problems) ?? cores
    let ways = [("adaptive", false), ("busy", true)]
    isBusyPolling = fields.choice("polling", among: ways, &problems) ?? isBusyPolling
    idleMicroseconds = fields.integer("idle_budget_us", in: 0...1_000_000, &problems) ?? idleMicroseconds
    if isBusyPolling, fields.has("idle_budget_us") {
      fields.refuse("idle_budget_us", "stands beside polling: busy, which never sleeps; keep one", &problems)
    }
    readScheduler(fields, &problems)
    let answers = [("true", true), ("false", false)]
    prefaults = fields.choice("prefault", among: answers, &problems) ?? prefaults
    locksMemory = fields.choice("mlockall", among: answers, &problems) ?? locksMemory
  }

  private mutating func readScheduler(_ fields: MappingReader, _ problems: inout ProblemList) {
    let isFIFO = fields.choice("scheduler_policy", among: [("other", false), ("fifo", true)], &problems)
    let priority: UInt64? = fields.integer("scheduler_priority", in: 1...99, &problems)
    if isFIFO == true {
      fifoPriority = priority.map { Int($0) } ?? Self.defaultPriority
    } else if priority != nil {
      fields.refuse(
        "scheduler_priority", "needs scheduler_policy: fifo; the ordinary scheduler has no priorities",
        &problems)
    }
  }

  /// The lowest: above everything that is not real-time, below the kernel's own threads (50).
  private static let defaultPriority = 1
}

extension CoreChoice {
  /// Reads `cores`; nil if it is absent or wrong.
  init?(_ fields: MappingReader, _ problems: inout ProblemList) {
    guard let node = fields.node("cores") else { return nil }
    guard case .sequence(let sequence) = node else {
      switch node.scalar?.string {
      case "auto": self = .auto
      case "any": self = .any
      default:
        fields.refuse("cores", "\(found(node)) is not one of auto, any, a list such as [2, 3]", &problems)
        return nil
      }
      return
    }
    var list: [Int] = []
    for (index, element) in sequence.enumerated() {
      let path = FieldPath.element(fields.path(of: "cores"), index)
      guard case .scalar(let scalar) = element, scalar.isPlain, let core = Int(scalar.string),
        (0...Self.highest).contains(core), "\(core)" == scalar.string
      else {
        problems.add("\(found(element)) is not a CPU; accepted: 0...\(Self.highest)", at: element.mark, path)
        continue
      }
      if let first = list.firstIndex(of: core) {
        problems.add(
          "CPU \(core) is also that of cores[\(first)]; accepted: each once", at: element.mark, path)
      }
      list.append(core)
    }
    guard (1...Self.mostWorkers).contains(sequence.count) else {
      fields.refuse(
        "cores", "names \(sequence.count) CPUs; accepted: 1...\(Self.mostWorkers), one for each worker",
        &problems)
      return nil
    }
    self = .list(list)
  }

  /// No kernel has more CPUs (NR_CPUS).
  private static let highest = 8191
  private static let mostWorkers = 64
}
