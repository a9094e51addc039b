import Dataplane
import Glibc

/// 2 MB pages of this process.
enum HugePages {
  /// "2M" when anonymous memory of this process lies on huge pages, else "4K".
  static var inUse: String {
    guard let file = unsafe fopen("/proc/self/smaps_rollup", "r") else { return "4K" }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while unsafe fgets(&line, 256, file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let fields = text.split(separator: " ")
      if text.hasPrefix("AnonHugePages:"), fields.count > 1 { return fields[1] == "0" ? "4K" : "2M" }
    }
    return "4K"
  }
}

/// `count` elements on huge pages, zeroed, so that a benchmark's own data costs no more address translation
/// than the peer's.
@safe struct HugeBuffer<Element: BitwiseCopyable>: ~Copyable {
  let count: Int
  private let memory: UnsafeMutableRawPointer

  init(count: Int) throws(OutOfMemory) {
    self.count = count
    guard let memory = unsafe HugeMemory.map(byteCount: count * MemoryLayout<Element>.stride) else {
      throw OutOfMemory()
    }
    unsafe self.memory = memory
  }

  deinit { unsafe HugeMemory.unmap(memory, byteCount: count * MemoryLayout<Element>.stride) }

  subscript(index: Int) -> Element {
    get { unsafe elements[checked(index)] }
    nonmutating set { unsafe elements[checked(index)] = newValue }
  }

  /// The first element.
  @unsafe var start: UnsafeMutableRawPointer { unsafe memory }

  private var elements: UnsafeMutablePointer<Element> {
    unsafe memory.assumingMemoryBound(to: Element.self)
  }

  private func checked(_ index: Int) -> Int {
    precondition(index >= 0 && index < count, "an element outside its buffer")
    return index
  }
}

/// The kernel has no memory for the benchmark.
struct OutOfMemory: Error, CustomStringConvertible {
  var description: String { "out of memory: take fewer --flows" }
}
