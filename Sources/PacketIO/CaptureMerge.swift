import Dataplane
import Glibc

/// Puts the capture files that several workers wrote for one destination into one, in the order in which
/// the packets were received.
package enum CaptureMerge {
  /// Merges `parts`, each with its `.order` file beside it, into `path`. Link type and precision are the
  /// first part's.
  ///
  /// - Throws: `.cannotWrite`, or what reading a part met.
  package static func merge(_ parts: [String], into path: String) throws(CaptureError) {
    var inputs: [Part] = []
    for file in parts { inputs.append(try Part(file)) }
    guard let header = inputs.first?.header else { return }
    let writer = try CaptureWriter(
      path: path, linkNumber: header.linkNumber, isNanosecond: header.isNanosecond,
      snapLength: header.snapLength)
    while let next = inputs.indices.min(by: { inputs[$0].sequence < inputs[$1].sequence }),
      inputs[next].sequence != .max
    {
      inputs[next].write(to: writer)
      try inputs[next].advance()
      if let error = writer.error { throw error }
    }
    if let error = writer.close() { throw error }
  }

  /// One worker's file, read in step with its packets' positions.
  private final class Part {
    private let reader: CaptureReader
    private var clock = ReplayClock(start: .zero)
    private var burst = PacketBurst(limit: 1)
    private let order: [UInt64]
    private var index = 0

    init(_ file: String) throws(CaptureError) {
      reader = try CaptureReader(file: file, lif: 0, port: 0)
      order = try Self.readOrder(file + ".order")
      try advance()
      index = 0
    }

    var header: CaptureHeader { reader.header }

    /// The present packet's position; the largest number at the end.
    var sequence: UInt64 { burst.isEmpty || index >= order.count ? .max : order[index] }

    func write(to writer: CaptureWriter) { Self.write(burst, to: writer) }

    private static func write(_ burst: borrowing PacketBurst, to writer: CaptureWriter) {
      writer.write(
        burst.bytes(0), time: burst.captureTime(0), originalLength: burst.originalLength(0), sequence: 0)
    }

    func advance() throws(CaptureError) {
      reader.retired.removeAll()
      burst.removeAll()
      index += 1
      // SAFETY: the packet is written before the reader moves on.
      unsafe burst.fill { places in unsafe reader.fill(places, clock: &clock) }
      if let error = reader.error { throw error }
    }

    private static func readOrder(_ path: String) throws(CaptureError) -> [UInt64] {
      guard let file = unsafe fopen(path, "r") else {
        throw CaptureError(.cannotOpen, file: path, "cannot be opened: \(errorText(errno))")
      }
      defer { unsafe fclose(file) }
      var status = stat()
      unsafe fstat(fileno(file), &status)
      let count = Int(status.st_size) / MemoryLayout<UInt64>.size
      return unsafe [UInt64](unsafeUninitializedCapacity: count) { places, filled in
        filled = unsafe fread(places.baseAddress, MemoryLayout<UInt64>.size, count, file)
      }
    }
  }
}
