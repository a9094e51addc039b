import ControlAPI
import Synchronization
import Testing

@Suite struct StreamWatchTests {
  @Test func `a stream without progress is ended, one with progress and one that ended are not`() async throws
  {
    let watch = StreamWatch(allowed: .milliseconds(80))
    let (stalled, busy, over) = (StreamWatch.Stream(), StreamWatch.Stream(), StreamWatch.Stream())
    let ended = Atomic<Int>(0)
    for stream in [stalled, busy, over] {
      stream.onExpiry { ended.add(1, ordering: .relaxed) }
      watch.add(stream)
    }
    watch.remove(over)
    for count in 1... where !stalled.isExpired {
      busy.note(count)
      try await Task.sleep(for: .milliseconds(5))
      try #require(count < 2000, "never ended")
    }
    #expect(!busy.isExpired)
    #expect(!over.isExpired)
    #expect(ended.load(ordering: .relaxed) == 1)
    // It looks again for a stream that comes when there was none left.
    watch.remove(busy)
    try await Task.sleep(for: .milliseconds(60))
    let late = StreamWatch.Stream()
    watch.add(late)
    for count in 0... where !late.isExpired {
      try await Task.sleep(for: .milliseconds(5))
      try #require(count < 2000, "never ended")
    }
  }
}
