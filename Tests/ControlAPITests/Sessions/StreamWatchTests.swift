import ControlAPI
import Synchronization
import Testing

@Suite struct StreamWatchTests {
  @Test func `a stream without progress is ended, one with progress and one that ended are not`() async throws
  {
    let watch = StreamWatch(allowed: .milliseconds(1600))
    let (stalled, busy, over) = (StreamWatch.Stream(), StreamWatch.Stream(), StreamWatch.Stream())
    let ended = Atomic<Int>(0)
    for stream in [stalled, busy, over] {
      stream.onExpiry { ended.add(1, ordering: .relaxed) }
      watch.add(stream)
    }
    watch.remove(over)
    var count = 0
    while !stalled.isExpired {
      count += 1
      busy.note(count)
      try await Task.sleep(for: .milliseconds(5))
      try #require(count < 4000, "never ended")
    }
    #expect(!busy.isExpired)
    #expect(!over.isExpired)
    #expect(ended.load(ordering: .relaxed) == 1)
    // It looks again for a stream that comes when there was none left.
    watch.remove(busy)
    try await Task.sleep(for: .milliseconds(150))
    let late = StreamWatch.Stream()
    watch.add(late)
    count = 0
    while !late.isExpired {
      count += 1
      try await Task.sleep(for: .milliseconds(5))
      try #require(count < 4000, "never ended")
    }
  }
}
