import Config
import Dataplane
import PacketIO

extension Placement {
  /// Where and how the worker threads are to run.
  func places(_ settings: WorkerSettings) -> [ThreadPlace] {
    seats.map {
      ThreadPlace(core: $0.core, memoryNode: $0.memoryNode, fifoPriority: settings.fifoPriority)
    }
  }
}

extension Placement.Seat {
  /// Which node the memory of a worker here comes from, or why none was chosen.
  ///
  /// - Parameter refusal: the errno with which the kernel refused it; 0 for none.
  func memory(_ refusal: Int32) -> String {
    guard core != nil else { return "not bound: the worker is not pinned" }
    guard let memoryNode else { return "not bound: there is one node" }
    return refusal == 0 ? "node \(memoryNode)" : "not bound: \(errorText(refusal))"
  }
}

extension WorkerSettings {
  var polling: Polling {
    isBusyPolling ? .busy : .adaptive(idleNanoseconds: UInt64(idleMicroseconds) * 1000)
  }
}

extension DaemonRuntime {
  /// What is less good than it could be, in words.
  package var warnings: [String] {
    var warnings = livePorts.flatMap(\.warnings) + placement.warnings
    if let warning = steering?.warning, livePorts.contains(where: \.wantsSteering) {
      warnings.append(warning)
    }
    if let warning = warmState?.directory.warning { warnings.append(warning) }
    let refused = placement.seats.indices.first { group.thread($0).memoryProblem != 0 }
    if let refused {
      let reason = errorText(group.thread(refused).memoryProblem)
      warnings.append("worker \(refused): memory cannot be bound to its NUMA node: \(reason)")
    }
    let used = Set(placement.seats.compactMap(\.core))
    if started.threads.isBusyPolling, started.threads.fifoPriority != nil,
      ProcessCPUs.allowed.numbers.allSatisfy(used.contains)
    {
      warnings.append(
        "scheduler_policy: fifo with polling: busy leaves no CPU to anything else: name fewer cores, or the "
          + "control API will hardly be served")
    }
    return warnings
  }
}
