import Dataplane
import Synchronization

/// Threads that have the kernel provide the workers' tables, so that a worker which adds sessions need not
/// wait for pages to be zeroed: that took half of its time for them.
///
/// They run beside the workers from the start on: gigabytes take seconds.
final class TableProvision: Sendable {
  private let threads: [WorkerThread]
  private let isStopped: Flag

  private final class Flag: Sendable { let value = Atomic<Bool>(false) }

  /// Begins; where the kernel refuses a thread, pages come by their first use.
  init(_ group: WorkerGroup) {
    let flag = Flag()
    isStopped = flag
    threads = group.tablePages.compactMap { worker, pages in
      let place = ThreadPlace(memoryNode: group.thread(worker).place.memoryNode)
      return try? WorkerThread(name: "sluice-memory\(worker)", on: place) {
        for part in pages { part.populate { !flag.value.load(ordering: .relaxed) } }
      }
    }
  }

  /// Ends the threads. Pages that are missing then come by their first use.
  func stop() {
    isStopped.value.store(true, ordering: .relaxed)
    for thread in threads { thread.join() }
  }
}
