import Glibc

/// The bytes of an open file, or of a stream that comes once, in their order.
@safe final class InputBytes {
  let descriptor: Int32
  /// Bytes of a regular file when it was opened; nil for a stream.
  let size: UInt64?
  /// Bytes taken so far.
  private(set) var offset: UInt64 = 0
  /// What the kernel said when reading failed.
  private(set) var failure: Int32?
  /// Bytes of a stream that were looked at before they were taken.
  private var prefix: [UInt8] = []
  private let stop: StopSignal

  /// The name of a capture that comes on standard input, as on a command line.
  static let standardInputName = "-"
  /// How it is called in errors.
  static let standardInputTitle = "standard input"

  /// Opens a file, or a pipe, for whose writer it waits.
  ///
  /// - Parameter file: a path, or `-` for standard input.
  /// - Throws: `.cannotOpen`.
  init(file: String, stop: StopSignal) throws(CaptureError) {
    let isStandardInput = file == Self.standardInputName
    let name = isStandardInput ? Self.standardInputTitle : file
    descriptor = isStandardInput ? try Self.duplicate(STDIN_FILENO, name) : try Self.open(file)
    do throws(CaptureError) {
      size = try Self.size(descriptor, name, isStandardInput: isStandardInput)
    } catch {
      close(descriptor)
      throw error
    }
    self.stop = stop
  }

  deinit { close(descriptor) }

  /// Whether waiting for a stream was given up.
  var isStopped: Bool { size == nil && stop.isSet }

  /// Up to `count` of the next bytes, without taking them.
  func peek(_ count: Int) -> [UInt8] {
    guard size == nil else {
      var bytes = [UInt8](repeating: 0, count: count)
      let got = unsafe bytes.withUnsafeMutableBytes { unsafe readFile($0.baseAddress, count, offset) }
      return Array(bytes.prefix(got))
    }
    while prefix.count < count {
      var bytes = [UInt8](repeating: 0, count: count - prefix.count)
      let got = unsafe bytes.withUnsafeMutableBytes { unsafe readStream($0.baseAddress, $0.count) }
      if got == 0 { break }
      prefix += bytes.prefix(got)
    }
    return prefix
  }

  /// Takes up to `count` bytes, `count` at least 1; waits for some where it is a stream.
  ///
  /// - Returns: how many; 0 at the end, or where reading failed or was stopped.
  /// - Safety: `count` bytes can be written at `memory`.
  @unsafe func take(_ memory: UnsafeMutableRawPointer, _ count: Int) -> Int {
    let got: Int
    if !prefix.isEmpty {
      got = min(count, prefix.count)
      unsafe prefix.withUnsafeBytes { unsafe memory.copyMemory(from: $0.baseAddress!, byteCount: got) }
      prefix.removeFirst(got)
    } else {
      got = unsafe size != nil ? readFile(memory, count, offset) : readStream(memory, count)
    }
    offset += UInt64(got)
    return got
  }

  /// Goes back to the first byte of a regular file.
  func rewind() {
    offset = 0
    failure = nil
  }

  // MARK: Reading

  @unsafe private func readFile(_ memory: UnsafeMutableRawPointer?, _ count: Int, _ offset: UInt64) -> Int {
    while true {
      let got = unsafe pread(descriptor, memory, count, off_t(clamping: offset))
      if got >= 0 { return got }
      guard errno == EINTR else { return fail() }
    }
  }

  @unsafe private func readStream(_ memory: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    while !stop.isSet {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&waiting, 1, Self.patienceMilliseconds)
      if ready < 0, errno != EINTR { return fail() }
      guard ready > 0 else { continue }
      let got = unsafe read(descriptor, memory, count)
      if got >= 0 { return got }
      guard errno == EINTR || errno == EAGAIN else { return fail() }
    }
    return 0
  }

  private func fail() -> Int {
    failure = errno
    return 0
  }

  /// How long a silent stream is waited for before the stop signal is looked at: short for a person.
  private static let patienceMilliseconds: Int32 = 100

  // MARK: Opening

  private static func open(_ file: String) throws(CaptureError) -> Int32 {
    // Without waiting, which a regular file never does. A pipe stays open like this, for `readStream` waits:
    // also for the first writer, since a pipe that had none yet is not at its end for `poll`. Opened a second
    // time it would wait for another writer if the first one has written and gone.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
    let descriptor = unsafe file.withCString { unsafe Glibc.open($0, flags) }
    guard descriptor >= 0 else { throw cannotOpen(file) }
    return descriptor
  }

  private static func duplicate(_ descriptor: Int32, _ name: String) throws(CaptureError) -> Int32 {
    let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard own >= 0 else { throw cannotOpen(name) }
    return own
  }

  private static func cannotOpen(_ name: String) -> CaptureError {
    CaptureError(.cannotOpen, file: name, "cannot be opened: \(errorText(errno))")
  }

  private static func size(
    _ descriptor: Int32, _ name: String, isStandardInput: Bool
  ) throws(CaptureError) -> UInt64? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw CaptureError(.cannotOpen, file: name, "cannot be examined: \(errorText(errno))")
    }
    switch status.st_mode & S_IFMT {
    // Standard input that somebody has begun to read goes on from there, like a stream.
    case S_IFREG where !isStandardInput || lseek(descriptor, 0, SEEK_CUR) == 0: return UInt64(status.st_size)
    case S_IFIFO: return nil
    case S_IFDIR: throw CaptureError(.cannotOpen, file: name, "is a directory: a capture file is wanted")
    case S_IFCHR where isatty(descriptor) == 1:
      throw CaptureError(
        .cannotOpen, file: name,
        "is a terminal: a capture is wanted, as in \"dumpcap -w - | sluice replay -\"")
    default:
      if isStandardInput { return nil }
      throw CaptureError(
        .cannotOpen, file: name, "is neither a regular file nor a pipe: a capture file is wanted")
    }
  }
}
