import Foundation
import Gateway

/// The sysfs trees of Tests/Vectors/sysfs.
enum Trees {
  static func path(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Vectors/sysfs/\(name)").standardized.path
  }

  static func topology(_ name: String, _ interfaces: [String] = []) -> Topology {
    Topology(root: path(name), allowed: CPUList(0...63), interfaces: interfaces)
  }
}
