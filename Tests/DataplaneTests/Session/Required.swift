/// The kernel gave no address space to a test.
struct OutOfMemory: Error {}

/// `#require` for what cannot be copied.
func required<Value: ~Copyable>(_ value: consuming Value?) throws -> Value {
  guard let value else { throw OutOfMemory() }
  return value
}
