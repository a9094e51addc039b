import CLinuxPacket
import Glibc
import Testing

/// A file of pages that each hold their number, from 1 on; removed at the end of its scope.
private struct PagesFile: ~Copyable {
  let descriptor: Int32
  static let pageSize = Int(getpagesize())

  init(pages: Int) throws {
    var template = Array("/tmp/sluice-test-XXXXXX".utf8CString)
    descriptor = template.withUnsafeMutableBufferPointer { mkstemp($0.baseAddress!) }
    try #require(descriptor >= 0)
    template.withUnsafeBufferPointer { _ = unlink($0.baseAddress!) }
    for page in 1...pages {
      let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: page), count: Self.pageSize)
      #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    }
  }

  deinit { close(descriptor) }

  func cut(toPages pages: Int, bytes: Int = 0) {
    #expect(ftruncate(descriptor, off_t(pages * Self.pageSize + bytes)) == 0)
  }

  func window(page: Int = 0, pages: Int) -> sluice_window {
    sluice_window_map(descriptor, UInt64(page * Self.pageSize), pages * Self.pageSize)
  }
}

extension sluice_window {
  /// The byte at the beginning of a page.
  fileprivate func byte(ofPage page: Int, at offset: Int = 0) -> UInt8 {
    start.load(fromByteOffset: page * PagesFile.pageSize + offset, as: UInt8.self)
  }
}

@Suite("Windows on files that shrink", .serialized)
struct WindowTests {
  @Test func `a window shows the file from its offset on`() throws {
    let file = try PagesFile(pages: 40)
    let window = file.window(page: 3, pages: 37)
    try #require(window.start != nil)
    #expect((0..<37).allSatisfy { window.byte(ofPage: $0) == UInt8($0 + 4) })
    #expect(!sluice_window_has_lost(window.place))
    sluice_window_unmap(window)
  }

  @Test(arguments: [0, 1, 2, 19]) func `lost pages read as zeros, and are noted`(kept: Int) throws {
    let file = try PagesFile(pages: 20)
    let window = file.window(pages: 20)
    try #require(window.start != nil)
    #expect(window.byte(ofPage: 19) == 20)
    file.cut(toPages: kept)
    #expect(!sluice_window_has_lost(window.place), "nobody has looked")
    #expect((kept..<20).allSatisfy { window.byte(ofPage: $0, at: 100) == 0 })
    #expect(sluice_window_has_lost(window.place))
    #expect(
      (0..<kept).allSatisfy { window.byte(ofPage: $0) == UInt8($0 + 1) }, "what is there still is shown")
    sluice_window_unmap(window)
  }

  @Test func `other windows are left alone, and a place is used again as good as new`() throws {
    let shrinking = try PagesFile(pages: 8)
    let whole = try PagesFile(pages: 8)
    let windows = [whole.window(pages: 8), shrinking.window(pages: 8), whole.window(pages: 8)]
    shrinking.cut(toPages: 1)
    #expect(windows[1].byte(ofPage: 7) == 0)
    #expect(windows.map { sluice_window_has_lost($0.place) } == [false, true, false])
    #expect(windows[0].byte(ofPage: 7) == 8 && windows[2].byte(ofPage: 7) == 8)
    sluice_window_unmap(windows[1])
    let next = whole.window(pages: 8)
    #expect(!sluice_window_has_lost(next.place) && next.byte(ofPage: 7) == 8)
    for window in [windows[0], windows[2], next] { sluice_window_unmap(window) }
  }

  @Test func `several threads may meet the end at once`() throws {
    let file = try PagesFile(pages: 64)
    let window = file.window(pages: 64)
    let start = UInt(bitPattern: window.start)
    file.cut(toPages: 1)
    var threads = [pthread_t](repeating: 0, count: 4)
    for index in threads.indices {
      let made = pthread_create(
        &threads[index], nil,
        { argument in
          let start = UnsafeRawPointer(bitPattern: UInt(bitPattern: argument))!
          var sum = 0
          for page in (1..<64).reversed() {
            sum += Int(start.load(fromByteOffset: page * Int(getpagesize()), as: UInt8.self))
          }
          return UnsafeMutableRawPointer(bitPattern: sum)
        }, UnsafeMutableRawPointer(bitPattern: start))
      try #require(made == 0)
    }
    for thread in threads {
      var sum: UnsafeMutableRawPointer?
      pthread_join(thread, &sum)
      #expect(sum == nil, "all zeros")
    }
    #expect(window.byte(ofPage: 0) == 1)
    sluice_window_unmap(window)
  }

  @Test func `where there is no window to be had nothing is taken`() throws {
    let file = try PagesFile(pages: 1)
    // More often than there are places.
    for _ in 0..<100 {
      for length in [0, (8 << 20) + 1] {
        #expect(sluice_window_map(file.descriptor, 0, length).start == nil)
      }
      #expect(sluice_window_map(-1, 0, 4096).start == nil, "no file")
      #expect(sluice_window_map(file.descriptor, 1, 4096).start == nil, "not at a page")
    }
    let window = file.window(pages: 1)
    #expect(window.start != nil && window.byte(ofPage: 0) == 1)
    sluice_window_unmap(window)
  }
}
