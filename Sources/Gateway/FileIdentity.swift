import Foundation

/// Which file a path leads to, behind links: two paths of one identity are one file.
public struct FileIdentity: Hashable, Sendable {
  private let device: Int
  private let number: Int

  /// nil when there is no such file.
  public init?(_ path: String) {
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: target),
      let device = attributes[.systemNumber] as? Int, let number = attributes[.systemFileNumber] as? Int
    else { return nil }
    self.device = device
    self.number = number
  }
}
