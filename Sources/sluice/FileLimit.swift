import Foundation

/// Open files: a replay of many captures on many workers with `--write` needs more than the usual 1024.
enum FileLimit {
  /// Raises the limit to what the system allows this process; where that fails it stays as it is.
  static func raise() {
    var limit = rlimit()
    // SAFETY: both calls fill or read the one structure given to them.
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
