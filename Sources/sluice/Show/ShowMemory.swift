import ArgumentParser
import ControlClient

/// `sluice show memory`.
struct ShowMemory: Showing {
  static let configuration = CommandConfiguration(commandName: "memory", abstract: "Where memory goes.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  static func read(_ control: Control) async throws -> MemoryReading { try await control.memory() }

  static func text(_ now: MemoryReading, since earlier: MemoryReading?) -> String {
    [
      "memory", row("resident", Figures.bytes(now.residentBytes), "of the whole process"),
      row(
        "flow tables", Figures.bytes(now.tableBytes), "for all sessions that fit, on \(now.pages) pages"),
      row("packet buffers", Figures.bytes(now.poolBytes), "reserved; touched by copies"),
      row("closed sessions", Figures.bytes(now.closedRetainedBytes), "of records not yet acknowledged"),
    ].joined(separator: "\n")
  }

  static func json(_ now: MemoryReading, since earlier: MemoryReading?) -> String { JSONText.of(now) }
}
