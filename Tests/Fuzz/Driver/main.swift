import FuzzTargets
import Glibc

// `fuzz TARGET [libFuzzer's arguments]`: libFuzzer runs one target of the product. docs/testing.md.

/// libFuzzer's own main loop, which calls `callback` with each input. fuzzer/FuzzerInterface.h.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

guard CommandLine.arguments.count > 1, let target = FuzzTarget(rawValue: CommandLine.arguments[1]) else {
  print("usage: fuzz TARGET [ARGUMENT...], TARGET one of \(FuzzTarget.allCases.map(\.rawValue))")
  exit(2)
}
// The target's name takes the program's place, and libFuzzer sees its own arguments behind it.
var count = CommandLine.argc - 1
var arguments = CommandLine.unsafeArgv + 1
arguments[0] = CommandLine.unsafeArgv[0]
chosenTarget = target
exit(runFuzzer(&count, &arguments, takeInput))
