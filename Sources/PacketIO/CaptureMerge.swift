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
    guard let interface = inputs.first?.interface else { return }
    let writer = try CaptureWriter(
      path: path, linkNumber: interface.linkNumber,
      isNanosecond: interface.resolution.isFinerThanMicroseconds, snapLength: interface.snapLength)
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
  @safe private final class Part {
    private let reader: CaptureReader
    private var clock = ReplayClock(start: .zero)
    private var burst = PacketBurst(limit: 1)
    /// Positions of the packets, read in step with them.
    private let order: UnsafeMutablePointer<FILE>
    /// The present packet's position among all; the largest number at the end.
    private(set) var sequence = UInt64.max

    init(_ file: String) throws(CaptureError) {
      reader = try CaptureReader(file: file, lif: 0, port: 0)
      guard let order = unsafe fopen(file + ".order", "r") else {
        throw CaptureError(.cannotOpen, file: file + ".order", "cannot be opened: \(errorText(errno))")
      }
      unsafe self.order = order
      try advance()
    }

    deinit { unsafe fclose(order) }

    var interface: CaptureInterface? { reader.interfaces.first }

    func write(to writer: CaptureWriter) { Self.write(burst, to: writer) }

    private static func write(_ burst: borrowing PacketBurst, to writer: CaptureWriter) {
      writer.write(
        burst.bytes(0), time: burst.captureTime(0), originalLength: burst.originalLength(0), sequence: 0)
    }

    func advance() throws(CaptureError) {
      reader.retired.removeAll()
      burst.removeAll()
      // SAFETY: the packet is written before the reader moves on.
      unsafe burst.fill { places in unsafe reader.fill(places, clock: &clock) }
      if let error = reader.error { throw error }
      sequence = burst.isEmpty ? .max : nextPosition()
    }

    private func nextPosition() -> UInt64 {
      var position = UInt64.max
      // SAFETY: the file's buffer is its own; a position that is not there as a whole counts as the end.
      let got = unsafe fread(&position, MemoryLayout<UInt64>.size, 1, order)
      return got == 1 ? position : .max
    }
  }
}
