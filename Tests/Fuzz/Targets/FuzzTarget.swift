/// What is fuzzed: a parser of the product, entered as the product enters it, with checks of its answer.
///
/// The fuzzer's driver, the replay of the committed inputs and the property tests share these functions.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// One packet: `Frame.parse`, its views and description, `OrdinaryPacket` beside it, cut as a
  /// super-frame. See `FrameCheck`.
  case frames
  /// A sequence of packets through a whole `Worker`. See `WorkerInput`.
  case worker
  /// The bytes of a capture file.
  case captures
  /// The bytes of a YAML configuration.
  case configuration
  /// The bytes of a sessions file.
  case sessions

  /// What is wrong with the product's answer to `input`, as sentences; empty when all is well. Traps and
  /// sanitizers end the process instead.
  package func problems(with input: [UInt8]) -> [String] {
    switch self {
    case .frames: FrameCheck.problems(with: input)
    case .worker: WorkerCheck.problems(with: input)
    case .captures: CaptureCheck.problems(with: input)
    case .configuration: TextCheck.configurationProblems(with: input)
    case .sessions: TextCheck.sessionsProblems(with: input)
    }
  }
}
