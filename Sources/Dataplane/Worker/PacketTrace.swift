/// What a trace sees of one worker: the next packets that it asks for, each pass of theirs with its bytes.
@safe public final class PacketTrace: @unchecked Sendable {
  // SAFETY (@unchecked): `left` and `scratch` are the worker's alone from the time on when it has it.

  private let ring = TapRing()
  private let selection: PacketTap.Selection
  /// Packets that may still begin a journey.
  private var left: Int
  // SAFETY: allocated in init, freed in deinit.
  /// A pass and its packet, as they go into the ring.
  private let scratch: UnsafeMutableRawPointer

  /// - Parameter count: packets, those excepted that come again or from another worker.
  package init(_ selection: PacketTap.Selection, count: Int) {
    self.selection = selection
    left = count
    unsafe scratch = .allocate(byteCount: Self.passSize + Self.mostBytes, alignment: 16)
  }

  deinit { unsafe scratch.deallocate() }

  private static var passSize: Int { MemoryLayout<TracedPass>.size }
  /// Bytes kept of a packet: what the ring takes at once.
  private static var mostBytes: Int { 65_535 - passSize }

  /// Passes that there was no room for.
  package var lostCount: UInt64 { ring.lostCount }

  /// Whether a packet's journey is asked for.
  ///
  /// - Parameter comesAgain: whether it has begun already.
  /// - Safety: the packet's bytes are readable.
  @unsafe func wants(_ packet: PacketDescriptor, comesAgain: Bool) -> Bool {
    guard comesAgain || left > 0 else { return false }
    if let lif = selection.lif, unsafe packet.lif != lif { return false }
    return selection.filters.allSatisfy { unsafe $0.accepts(packet) }
  }

  /// Keeps a pass of a packet that is wanted. The worker's side.
  ///
  /// - Safety: the packet's bytes are readable.
  @unsafe func keep(_ pass: TracedPass, _ packet: PacketDescriptor) {
    let count = unsafe min(Int(packet.capturedLength), Self.mostBytes)
    // SAFETY: the scratch has room for both.
    unsafe scratch.storeBytes(of: pass, as: TracedPass.self)
    unsafe (scratch + Self.passSize).copyMemory(from: packet.start, byteCount: count)
    var header = TapRing.Header()
    header.length = UInt32(Self.passSize + count)
    let lost = ring.lostCount
    unsafe ring.push(header, scratch)
    // In the place of one that is lost another one is told.
    if pass.isBeginning, ring.lostCount == lost { left -= 1 }
  }

  /// Takes the oldest pass; nil when there is none. The reader's side.
  package func take() -> (pass: TracedPass, bytes: ArraySlice<UInt8>)? {
    guard let (_, bytes) = ring.take() else { return nil }
    // SAFETY: `keep` has put a pass before the packet's bytes.
    let pass = unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: TracedPass.self) }
    return (pass, bytes[Self.passSize...])
  }
}
