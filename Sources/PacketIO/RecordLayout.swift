import Dataplane

/// What stands where the next record of a capture is looked for.
enum RecordFinding {
  /// A whole packet.
  case packet
  /// No packet: it has been noted, and so many bytes are passed over.
  case pass(Int)
  /// So many bytes have to be there to say.
  case needs(Int)
  /// What cannot be read on.
  case bad(CaptureError.Code, String)
}

/// How the records of a capture are laid out. Asked once a burst, never for a packet.
enum RecordLayout {
  case classic(RecordFormat)
  case pcapng(PcapngRecords)

  /// Says what stands at `record`.
  ///
  /// - Safety: `available` bytes are readable there; so for the functions below.
  @unsafe func look(_ record: UnsafeRawPointer, available: Int) -> RecordFinding {
    switch self {
    case .classic(let format): unsafe format.look(record, available: available)
    case .pcapng(let records): unsafe records.look(record, available: available)
    }
  }

  /// The capture time, in nanoseconds, of the whole packet at `record`.
  @unsafe func time(_ record: UnsafeRawPointer, available: Int) -> UInt64 {
    switch self {
    case .classic(let format): unsafe format.time(record, isSwapped: format.isSwapped)
    case .pcapng(let records): unsafe records.time(record, available: available)
    }
  }

  /// By how many bytes the record that is looked at begins before where it is looked at.
  var bytesPassed: Int {
    switch self {
    case .classic: 0
    case .pcapng(let records): records.bytesPassed
    }
  }

  /// Describes the packets from the cursor on, as far as they are whole, and moves the cursor behind them.
  @unsafe func fill(
    _ places: UnsafeMutableBufferPointer<PacketDescriptor>, _ cursor: inout RecordCursor,
    _ clock: inout ReplayClock
  ) -> Int {
    switch self {
    case .classic(let format):
      // One loop for each, so that the ordinary one swaps nothing and asks nothing.
      unsafe format.isSwapped
        ? format.fill(places, &cursor, &clock, isSwapped: true)
        : format.fill(places, &cursor, &clock, isSwapped: false)
    case .pcapng(let records): unsafe records.fill(places, &cursor, &clock)
    }
  }

  /// Why the record at `record` is not whole where the file ends after `available` bytes; nil where it may
  /// end there.
  @unsafe func cut(_ record: UnsafeRawPointer, available: Int) -> String? {
    switch self {
    case .classic(let format): unsafe format.cut(record, available: available)
    case .pcapng(let records): unsafe records.cut(record, available: available)
    }
  }
}

extension RecordFormat {
  @unsafe func look(_ record: UnsafeRawPointer, available: Int) -> RecordFinding {
    guard available >= Self.headerSize else { return .needs(Self.headerSize) }
    let captured = unsafe captured(record, isSwapped: isSwapped)
    guard captured <= CaptureHeader.largestPacket else {
      return .bad(
        .corrupt,
        "a packet record claims \(captured) captured bytes, "
          + "more than the limit of \(CaptureHeader.largestPacket)")
    }
    let size = Self.headerSize + Int(captured)
    return size <= available ? .packet : .needs(size)
  }

  @unsafe func cut(_ record: UnsafeRawPointer, available: Int) -> String? {
    if available == 0 { return nil }
    guard available >= Self.headerSize else {
      return "the file ends within a packet's record header: \(available) of \(Self.headerSize) bytes"
    }
    let captured = unsafe captured(record, isSwapped: isSwapped)
    return "the file ends within a packet: \(available - Self.headerSize) of \(captured) bytes"
  }
}
