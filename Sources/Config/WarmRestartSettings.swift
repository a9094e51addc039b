/// Whether sessions outlive the process: `warm_restart` of the configuration.
public struct WarmRestartSettings: Hashable, Sendable {
  /// The directory on a tmpfs where session tables lie; an absolute path.
  public var directory: String

  public init(directory: String) { self.directory = directory }
}

extension WarmRestartSettings {
  /// Reads `warm_restart`; nil if it is absent or wrong.
  init?(_ configuration: MappingReader, _ problems: inout ProblemList) {
    guard let fields = configuration.mapping("warm_restart", keys: ["directory"], &problems) else {
      return nil
    }
    let accepted = "the absolute path of a directory on a tmpfs, such as /run/sluice/state"
    guard let directory = fields.text("directory", accepted: accepted, &problems) else {
      fields.require("directory", accepted: accepted, &problems)
      return nil
    }
    guard directory.utf8.first == 0x2F, directory.utf8.count <= 4000, !directory.utf8.contains(0) else {
      fields.refuse("directory", "\(quoted(directory)) is not; accepted: \(accepted)", &problems)
      return nil
    }
    self.init(directory: directory)
  }
}
