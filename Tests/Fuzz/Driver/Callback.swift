import FuzzTargets

/// The target that the command line names; set before the first input.
nonisolated(unsafe) var chosenTarget = FuzzTarget.frames

/// What libFuzzer calls with each input: a wrong answer ends the process, as a crash does.
func takeInput(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let problems = chosenTarget.problems(with: Array(UnsafeBufferPointer(start: start, count: size)))
  // A release build's precondition says nothing.
  for problem in problems { print("problem: \(problem)") }
  precondition(problems.isEmpty)
  return 0
}
