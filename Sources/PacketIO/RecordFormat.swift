import CLinuxPacket
import Dataplane

/// How the packet records of one capture file are laid out. pcap-savefile(5).
///
///     |                      Timestamp (seconds)                      |
///     |            Timestamp (microseconds or nanoseconds)            |
///     |                    Captured packet length                     |
///     |                    Original packet length                     |
struct RecordFormat {
  /// Bytes before the packet.
  static let headerSize = 16

  /// Whether the file has the other byte order than this machine.
  let isSwapped: Bool
  private let nanosecondsPerFraction: UInt64
  private let checkSequenceLength: UInt32
  private let lif: UInt16
  private let port: UInt8
  private let link: LinkType

  init(_ header: CaptureHeader, lif: UInt16, port: UInt8) {
    isSwapped = header.isSwapped
    nanosecondsPerFraction = header.isNanosecond ? 1 : 1000
    checkSequenceLength = header.checkSequenceLength
    self.lif = lif
    self.port = port
    link = header.link
  }

  /// Describes the records from the cursor on in `places`, and moves the cursor behind them.
  ///
  /// Records ahead are fetched: where one ends is known only when its length is there, and a window shows
  /// them in main memory, a block in the second-level cache.
  ///
  /// - Returns: how many; stops before a record that is not whole or too long.
  /// - Safety: bytes up to the cursor's end are readable.
  @unsafe @inline(__always) func fill(
    _ places: UnsafeMutableBufferPointer<PacketDescriptor>, _ cursor: inout RecordCursor,
    _ clock: inout ReplayClock, isSwapped: Bool
  ) -> Int {
    let (start, end) = unsafe (cursor.start, cursor.end)
    var position = unsafe cursor.position
    var time = clock
    var count = 0
    while count < places.count, position &+ Self.headerSize <= end {
      let record = unsafe start + position
      // SAFETY: the record header lies before the end; the packet is described only if it does too.
      let captured = unsafe captured(record, isSwapped: isSwapped)
      let next = position &+ Self.headerSize &+ Int(captured)
      if captured > CaptureHeader.largestPacket || next > end { break }
      // Packets of one length follow one another mostly. A guess is a hint: it may lie anywhere.
      let ahead = unsafe record + Self.recordsAhead &* (next &- position)
      unsafe sluice_prefetch_read(ahead)
      unsafe sluice_prefetch_read(ahead + Self.lineSize)
      unsafe places[count] = describe(record, captured, &time, isSwapped: isSwapped)
      position = next
      count &+= 1
    }
    clock = time
    unsafe cursor.position = position
    return count
  }

  /// How far ahead memory is asked for: 4 is late, 16 and more are not better.
  private static let recordsAhead = 8
  /// Bytes of a cache line. Two hold the record's header and the headers of its packet.
  private static let lineSize = 64

  /// Captured bytes that the record at `record` claims.
  ///
  /// - Safety: 16 bytes are readable at `record`; so for the functions below.
  @unsafe @inline(__always) func captured(_ record: UnsafeRawPointer, isSwapped: Bool) -> UInt32 {
    unsafe word(record, Field.captured, isSwapped)
  }

  /// Nanoseconds since the Unix epoch. Any fraction is taken as it is: the largest stays below 2^63.
  @unsafe @inline(__always) func time(_ record: UnsafeRawPointer, isSwapped: Bool) -> UInt64 {
    let seconds = unsafe UInt64(word(record, Field.seconds, isSwapped))
    let fraction = unsafe UInt64(word(record, Field.fraction, isSwapped))
    return seconds &* PacketTime.nanosecondsPerSecond &+ fraction &* nanosecondsPerFraction
  }

  /// The packet behind the record header. An original length below the captured one is not believed.
  @unsafe @inline(__always) private func describe(
    _ record: UnsafeRawPointer, _ captured: UInt32, _ clock: inout ReplayClock, isSwapped: Bool
  ) -> PacketDescriptor {
    let time = unsafe time(record, isSwapped: isSwapped)
    var original = unsafe max(word(record, Field.original, isSwapped), captured)
    var kept = captured
    if checkSequenceLength != 0 {
      original &-= min(original, checkSequenceLength)
      kept = min(kept, original)
    }
    return unsafe PacketDescriptor(
      start: record + Self.headerSize, capturedLength: kept, originalLength: original,
      time: clock.advance(to: time), captureTime: time, sequence: clock.nextSequence(), lif: lif, port: port,
      link: link)
  }

  @unsafe @inline(__always) private func word(
    _ record: UnsafeRawPointer, _ field: Int, _ isSwapped: Bool
  ) -> UInt32 {
    let value = unsafe record.loadUnaligned(fromByteOffset: field, as: UInt32.self)
    return isSwapped ? value.byteSwapped : value
  }

  private enum Field {
    static let seconds = 0, fraction = 4, captured = 8, original = 12
  }
}

/// A place in a block: the next record, and where the block's bytes end.
@unsafe struct RecordCursor {
  let start: UnsafeRawPointer
  var position: Int
  let end: Int
}
