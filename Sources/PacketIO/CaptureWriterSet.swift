import Dataplane
import Glibc

/// The capture files that one worker writes: `lif-N.pcap` per LIF that packets leave by, and `mirror.pcap`,
/// `snoop.pcap`, `punt.pcap`, `drop.pcap`. Each is made when its first packet comes.
public struct CaptureWriterSet {
  /// Which file a packet belongs into.
  private enum Destination: Equatable {
    case lif(UInt16), mirror, snoop, punt, drop

    var name: String {
      switch self {
      case .lif(let number): "lif-\(number)"
      case .mirror: "mirror"
      case .snoop: "snoop"
      case .punt: "punt"
      case .drop: "drop"
      }
    }
  }

  private static let ethernet: UInt16 = 1

  private let directory: String
  private let format: CaptureFormat
  private let keepsOrder: Bool
  private var files: [(destination: Destination, link: UInt16, writer: CaptureWriter)] = []
  /// The first trouble; after it nothing is written any more.
  private(set) var error: CaptureError?

  /// - Parameters:
  ///   - directory: an existing directory.
  ///   - keepsOrder: whether the packets' positions are written beside each file.
  package init(directory: String, format: CaptureFormat, keepsOrder: Bool) {
    self.directory = directory
    self.format = format
    self.keepsOrder = keepsOrder
  }

  /// Writes a burst as its verdicts say. A packet or copy that cannot be written is marked so.
  mutating func write(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    for index in 0..<burst.count {
      guard let destination = destination(outcome[index]) else { continue }
      let link = format.linkNumbers[UInt8(truncatingIfNeeded: burst.port(index))] ?? Self.ethernet
      if let writer = writer(destination, link) {
        writer.write(
          burst.bytes(index), time: burst.captureTime(index), originalLength: burst.originalLength(index),
          sequence: burst.sequence(index))
      } else if outcome[index].kind != .drop {
        outcome[index] = .drop(.transmitFailed)
      }
    }
    for index in 0..<outcome.copyCount { write(copy: index, burst, &outcome) }
    if error == nil { error = files.lazy.compactMap(\.writer.error).first }
  }

  private mutating func write(copy index: Int, _ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome)
  {
    let copy = outcome.copy(index)
    guard !copy.failed else { return }
    guard let writer = writer(copy.kind == .mirror ? .mirror : .snoop, Self.ethernet) else {
      outcome.markCopyFailed(index)
      return
    }
    writer.write(
      outcome.copyBytes(index), time: burst.captureTime(copy.packet), originalLength: copy.originalLength,
      sequence: burst.sequence(copy.packet))
  }

  private func destination(_ verdict: Verdict) -> Destination? {
    switch verdict.kind {
    case .forward, .mirror, .snoop: .lif(verdict.outLIF)
    case .punt: .punt
    case .drop: .drop
    case .consume, .handOff, .hold: nil
    }
  }

  /// The file for packets of `link`; nil, with `error` set, when it cannot be made.
  private mutating func writer(_ destination: Destination, _ link: UInt16) -> CaptureWriter? {
    if let file = files.first(where: { $0.destination == destination && $0.link == link }) {
      return file.writer
    }
    guard error == nil else { return nil }
    // One file holds one link type; those other than the first capture's get files of their own.
    let isCopy = destination == .mirror || destination == .snoop
    let ordinary = isCopy ? Self.ethernet : format.linkNumber
    let name = link == ordinary ? "\(destination.name).pcap" : "\(destination.name)-linktype-\(link).pcap"
    let path = "\(directory)/\(name)"
    do throws(CaptureError) {
      let writer = try CaptureWriter(
        path: path, linkNumber: link, isNanosecond: format.isNanosecond,
        // Copies may be longer than what they copy.
        snapLength: isCopy ? CaptureHeader.largestPacket : format.snapLength,
        orderPath: keepsOrder ? path + ".order" : nil)
      files.append((destination, link, writer))
      return writer
    } catch {
      self.error = error
      return nil
    }
  }

  /// Writes out what is buffered.
  mutating func close() {
    for file in files {
      if let trouble = file.writer.close(), error == nil { error = trouble }
    }
  }
}
