import CLinuxPacket
import Glibc
import Synchronization

/// A worker's thread: named, put in its place, and waited for.
public final class WorkerThread: Sendable {
  private final class Launch: Sendable {
    let body: @Sendable () -> Void
    let name: String
    let place: ThreadPlace
    let start: ThreadStart
    let cpuTime: ThreadTime

    init(
      _ body: @escaping @Sendable () -> Void, name: String, place: ThreadPlace, start: ThreadStart,
      cpuTime: ThreadTime
    ) {
      self.body = body
      self.name = name
      self.place = place
      self.start = start
      self.cpuTime = cpuTime
    }
  }

  /// How putting the thread in its place went: errnos, written by the thread before `isDone`.
  private final class ThreadStart: Sendable {
    let pinning = Atomic<Int32>(0)
    let memory = Atomic<Int32>(0)
    let scheduling = Atomic<Int32>(0)
    let isDone = Atomic<Bool>(false)

    /// Puts the calling thread in its place; false when it must not run elsewhere.
    func settle(in place: ThreadPlace) -> Bool {
      defer { isDone.store(true, ordering: .releasing) }
      var isSettled = true
      if let core = place.core {
        let status = sluice_pin_thread(Int32(truncatingIfNeeded: core))
        pinning.store(status, ordering: .relaxed)
        isSettled = status == 0
      }
      if let node = place.memoryNode {
        memory.store(sluice_prefer_node(Int32(truncatingIfNeeded: node)), ordering: .relaxed)
      }
      if let priority = place.fifoPriority {
        let status = sluice_fifo_thread(Int32(truncatingIfNeeded: priority))
        scheduling.store(status, ordering: .relaxed)
        isSettled = isSettled && status == 0
      }
      return isSettled
    }
  }

  /// The thread's CPU clock while it runs, what it had come to afterwards.
  private final class ThreadTime: Sendable {
    private let clock = Atomic<Int32>(0)
    private let last = Atomic<UInt64>(0)

    /// Called by the thread itself, as is `end`.
    func begin() { clock.store(sluice_thread_clock(), ordering: .releasing) }

    func end() {
      last.store(sluice_clock_ns(clock.load(ordering: .relaxed)), ordering: .releasing)
      clock.store(0, ordering: .releasing)
    }

    var nanoseconds: UInt64 {
      let clock = clock.load(ordering: .acquiring)
      let present = clock == 0 ? 0 : sluice_clock_ns(clock)
      return present == 0 ? last.load(ordering: .acquiring) : present
    }
  }

  private let handle: pthread_t
  private let cpuTime = ThreadTime()
  /// Where it runs.
  package let place: ThreadPlace
  /// The errno with which the kernel refused to take memory from `place.memoryNode`; 0 when it does.
  package let memoryProblem: Int32
  private let joined = Atomic<Bool>(false)

  /// Starts `body` on a thread of its own, in its place before it begins.
  ///
  /// - Parameters:
  ///   - name: for ps and top, at most 15 bytes.
  ///   - place: a memory node that is refused is noted in `memoryProblem`, and that is all.
  /// - Throws: `.thread` when the kernel refuses a thread, `.pinning` and `.scheduling` when it refuses its
  ///   place.
  public init(
    name: String, on place: ThreadPlace = .any, _ body: @escaping @Sendable () -> Void
  ) throws(WorkerError) {
    self.place = place
    let start = ThreadStart()
    // SAFETY: the launch is retained for the thread, which takes it over.
    let launch = unsafe Unmanaged.passRetained(
      Launch(body, name: name, place: place, start: start, cpuTime: cpuTime))
    var handle = pthread_t()
    let status = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let launch = unsafe Unmanaged<Launch>.fromOpaque(argument).takeRetainedValue()
        unsafe launch.name.withCString { _ = unsafe sluice_name_thread($0) }
        launch.cpuTime.begin()
        if launch.start.settle(in: launch.place) { launch.body() }
        launch.cpuTime.end()
        return nil
      }, launch.toOpaque())
    guard status == 0 else {
      unsafe launch.release()
      throw .thread(status)
    }
    while !start.isDone.load(ordering: .acquiring) { usleep(20) }
    memoryProblem = start.memory.load(ordering: .relaxed)
    let pinning = start.pinning.load(ordering: .relaxed)
    let scheduling = start.scheduling.load(ordering: .relaxed)
    self.handle = handle
    guard pinning == 0, scheduling == 0 else {
      pthread_join(handle, nil)
      throw pinning != 0
        ? .pinning(core: place.core ?? 0, pinning)
        : .scheduling(priority: place.fifoPriority ?? 0, scheduling)
    }
  }

  /// CPU time that the thread has used, in nanoseconds. May be asked at any time, also after its end.
  package var cpuNanoseconds: UInt64 { cpuTime.nanoseconds }

  /// Waits for the thread's end. Once.
  public func join() {
    guard !joined.exchange(true, ordering: .relaxed) else { return }
    pthread_join(handle, nil)
  }
}

/// How a worker passes time when it has nothing to do.
enum ThreadPause {
  /// Iterations of spinning and yielding before the thread sleeps.
  static let patience = 64

  static func yield() { sched_yield() }

  /// Lets the core's other thread have its units for a moment; no system call.
  @inline(__always) static func spin() { sluice_spin_pause() }

  /// - Parameter iteration: idle iterations in a row so far.
  static func wait(iteration: Int) {
    if iteration < patience {
      sched_yield()
    } else {
      usleep(50)
    }
  }
}
