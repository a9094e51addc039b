import CLinuxPacket
import Glibc
import Synchronization

/// A worker's thread: named, pinned where asked, and waited for.
public final class WorkerThread: Sendable {
  private final class Launch: Sendable {
    let body: @Sendable () -> Void
    let name: String
    let core: Int?
    let cpuTime: ThreadTime
    init(_ body: @escaping @Sendable () -> Void, name: String, core: Int?, cpuTime: ThreadTime) {
      self.body = body
      self.name = name
      self.core = core
      self.cpuTime = cpuTime
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
  /// The CPU it was asked to run on; nil when the scheduler chooses.
  package let core: Int?
  private let joined = Atomic<Bool>(false)

  /// Starts `body` on a thread of its own.
  ///
  /// - Parameters:
  ///   - name: for ps and top, at most 15 bytes.
  ///   - core: the CPU to run on; nil leaves it to the scheduler.
  /// - Throws: `.thread(errno)` when the kernel refuses a thread.
  public init(name: String, core: Int? = nil, _ body: @escaping @Sendable () -> Void) throws(WorkerError) {
    self.core = core
    // SAFETY: the launch is retained for the thread, which takes it over.
    let launch = unsafe Unmanaged.passRetained(Launch(body, name: name, core: core, cpuTime: cpuTime))
    var handle = pthread_t()
    let status = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let launch = unsafe Unmanaged<Launch>.fromOpaque(argument).takeRetainedValue()
        WorkerThread.prepare(launch)
        launch.cpuTime.begin()
        launch.body()
        launch.cpuTime.end()
        return nil
      }, launch.toOpaque())
    guard status == 0 else {
      unsafe launch.release()
      throw .thread(status)
    }
    self.handle = handle
  }

  private static func prepare(_ launch: Launch) {
    unsafe launch.name.withCString { _ = unsafe sluice_name_thread($0) }
    if let core = launch.core { _ = sluice_pin_thread(Int32(core)) }
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

  /// - Parameter iteration: idle iterations in a row so far.
  static func wait(iteration: Int) {
    if iteration < patience {
      sched_yield()
    } else {
      usleep(50)
    }
  }
}
