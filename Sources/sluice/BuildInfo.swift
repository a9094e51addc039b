import CBuildInfo
import Foundation

/// What `--version` tells, and the check that this CPU can run the binary.
enum BuildInfo {
  /// The release this source is on the way to.
  static let release = "0.1.0"

  /// What the program was built from.
  static var commit: String {
    // SAFETY: strings of CBuildInfo live as long as the process.
    unsafe String(cString: sluice_commit())
  }

  static var text: String {
    // SAFETY: as above.
    let features = unsafe String(cString: sluice_cpu_features())
    return "sluice \(release), \(build) build of commit \(commit), \(architecture), CPU features: \(features)"
  }

  /// Ends the process with a clear error on a CPU without the baseline's instructions.
  static func checkCPU() {
    let missing = unsafe String(cString: sluice_cpu_missing())
    guard !missing.isEmpty else { return }
    standardError("sluice: this CPU lacks \(missing): x86-64-v3 (Haswell, Zen or later) is needed")
    exit(1)
  }

  private static var build: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86-64"
    #elseif arch(arm64)
      "aarch64"
    #else
      "unknown architecture"
    #endif
  }
}
