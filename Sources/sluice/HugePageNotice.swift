import Foundation

/// Says once, on standard error, that the tables have to do with 4 KB pages.
enum HugePageNotice {
  private static let setting = "/sys/kernel/mm/transparent_hugepage/enabled"

  /// Nothing where transparent huge pages can be had for the asking, or nothing can be known.
  static func announce() {
    guard let text = try? String(contentsOfFile: setting, encoding: .utf8), text.contains("[never]") else {
      return
    }
    standardError(
      "sluice: transparent huge pages are off, tables use 4 KB pages and are slower: "
        + "\"echo madvise > \(setting)\" lets them be used")
  }
}
