import ArgumentParser

/// The packet path's parts as a benchmark's side: what it measures is the product's code.
///
/// Each command sets itself up, prints one line of JSON about that, then runs one repetition for every line
/// on its standard input and prints the nanoseconds of CPU time an operation took: `run.py` takes turns with
/// the peer that way.
@main
struct SluiceBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice-bench",
    abstract: "Measure parts of the packet path, one repetition for each line read.",
    subcommands: [
      LookupBench.self, InsertBench.self, PathBench.self, MemoryBench.self, WorkersBench.self,
    ])
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Option(help: "Sessions.")
  var flows: UInt32 = 65536

  @Option(help: "Repetitions without reading lines; 0 reads them.")
  var repetitions = 0

  func validate() throws {
    guard (1...200_000_000).contains(flows) else {
      throw ValidationError("--flows must lie in 1...200000000.")
    }
  }
}
