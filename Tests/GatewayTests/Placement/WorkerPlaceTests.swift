import Config
import Dataplane
import Gateway
import Glibc
import PacketIO
import Testing

@Suite("Workers in their places", .serialized)
struct WorkerPlaceTests {
  private func group(_ places: [ThreadPlace], capacity: Int = 100) throws(WorkerError) -> WorkerGroup {
    var generator = SystemRandomNumberGenerator()
    let port = WorkerSetup.Port(
      lif: 1, peer: 1, miss: .drop, learnedAction: .drop, nonSession: .drop, mac: MACAddress(0))
    let setup = WorkerSetup(
      workers: places.count, capacity: capacity, ports: [port], waits: true, generator: &generator)
    return try WorkerGroup(setup, on: places, burstLimit: 64, reportsSessions: false) { _ in MemoryQueue([]) }
  }

  @Test func `each thread runs where it is to run`() throws {
    let core = try #require(ProcessCPUs.allowed.numbers.last)
    let group = try group([ThreadPlace(core: core), .any])
    #expect(group.thread(0).place == ThreadPlace(core: core) && group.thread(1).place == .any)
    group.release()
    group.join()
  }

  @Test func `one that cannot be pinned keeps all from starting`() {
    #expect(throws: WorkerError.pinning(core: 8191, EINVAL)) {
      try group([.any, ThreadPlace(core: 8191), .any])
    }
  }

  @Test func `a daemon reports where its workers are`() throws {
    let core = try #require(ProcessCPUs.allowed.numbers.last)
    let run = try DaemonRun("cores: [\(core)]\npolling: busy")
    let worker = try #require(run.runtime.workers().first)
    #expect(worker.core == core && worker.node != nil)
    #expect(worker.polling == "busy" && worker.scheduler == "other" && !worker.memory.isEmpty)
    run.stop()
    let free = try DaemonRun("cores: any\nworkers: 2")
    #expect(free.runtime.workers().map(\.core) == [nil, nil])
    #expect(free.runtime.workers().map(\.polling) == ["adaptive", "adaptive"])
    #expect(free.runtime.workers()[0].memory == "not bound: the worker is not pinned")
    free.stop()
  }

  @Test func `a daemon refuses CPUs that are not there`() throws {
    do {
      _ = try DaemonRun("cores: [8191]")
      Issue.record("not refused")
    } catch let error as DaemonError {
      #expect(error.status == 2)
      #expect(error.message.hasPrefix("cores[0]: CPU 8191 is offline or does not exist; online: "))
    }
  }
}
