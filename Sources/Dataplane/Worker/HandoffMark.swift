/// How far one worker had handed over at some moment, in memory that is used again and again.
@safe package struct HandoffMark: ~Copyable {
  fileprivate let pushed: UnsafeMutablePointer<Int>

  package init(_ mesh: HandoffMesh) {
    unsafe pushed = .allocate(capacity: mesh.workers)
    unsafe pushed.initialize(repeating: 0, count: mesh.workers)
  }

  deinit { unsafe pushed.deallocate() }
}

extension HandoffMesh {
  /// Notes how far `sender` has handed over: until `isDone` with this mark, bytes handed over are in use.
  ///
  /// - Parameter mark: one made for this mesh.
  package func note(_ mark: borrowing HandoffMark, from sender: Int) {
    // SAFETY: the mark has a place for each worker.
    for receiver in 0..<workers { unsafe mark.pushed[receiver] = ring(from: sender, to: receiver).pushed }
  }

  /// Whether everything that `sender` had handed over at `mark` has been dealt with.
  package func isDone(_ mark: borrowing HandoffMark, from sender: Int) -> Bool {
    for receiver in 0..<workers {
      // SAFETY: as above.
      let pushed = unsafe mark.pushed[receiver]
      guard unsafe ring(from: sender, to: receiver).isReleased(upTo: pushed) else { return false }
    }
    return true
  }
}
