internal import Glibc

/// The number of the last failed system call of this thread.
var systemError: CInt { errno }

/// What an error number means, as the C library says it.
func systemErrorText(_ number: CInt) -> String {
  // SAFETY: a string of the C library that ends with a zero, copied at once.
  unsafe String(cString: strerror(number))
}

/// A descriptor that is closed when nobody has it any more, unless it is taken.
struct OwnedDescriptor: ~Copyable {
  let number: CInt

  init(_ number: CInt) { self.number = number }

  deinit { close(number) }

  /// Gives the descriptor away: whoever gets it closes it.
  consuming func take() -> CInt {
    let number = number
    discard self
    return number
  }
}
