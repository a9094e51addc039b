import Glibc

/// How the control side passes time while workers work.
enum ControlPause {
  /// 50 microseconds: for an answer that is expected at once.
  static func short() { usleep(50) }
  /// 20 milliseconds: between looks at a long run.
  static func long() { usleep(20_000) }
}
