import CLinuxPacket

/// From a client's session id to its record: open addressing over record indices, with removal by
/// shifting back. Ids that the server assigned carry their record and need no entry. Owned by one worker.
@safe package struct SessionIDIndex: ~Copyable {
  private static let none = UInt32.max

  /// Stored index + 1, so that untouched memory is empty.
  private let slots: UnsafeMutablePointer<UInt32>
  private let slotCount: UInt32
  private let byteCount: Int

  /// - Returns: nil when the kernel has no address space for it.
  package init?(recordCount: UInt32) {
    // 80 % full when every session has a client's id.
    slotCount = UInt32(min(UInt64(recordCount) * 5 / 4 + 8, UInt64(UInt32.max)))
    byteCount = Int(slotCount) * MemoryLayout<UInt32>.stride
    guard let memory = unsafe HugeMemory.map(byteCount: byteCount) else { return nil }
    // SAFETY: the mapping has room for `slotCount` entries and is zeroed.
    unsafe slots = memory.assumingMemoryBound(to: UInt32.self)
  }

  deinit { unsafe HugeMemory.unmap(slots, byteCount: byteCount) }

  /// Hints that `id` is about to be looked up.
  package func prefetch(_ id: SessionID, secret: FlowSecret) {
    // SAFETY: `home` is below `slotCount`.
    unsafe sluice_prefetch_write(slots + Int(home(id, secret)))
  }

  /// Hints that `id` is about to be looked for among the others of its run, whose details have theirs.
  package func prefetchRun(of id: SessionID, secret: FlowSecret, in memory: borrowing FlowTableMemory) {
    var slot = home(id, secret)
    for _ in 0..<Self.hinted {
      guard let index = entry(slot) else { return }
      memory.prefetchDetail(index)
      slot = next(slot)
    }
  }

  /// Most runs are shorter in a full table.
  private static var hinted: Int { 8 }

  /// The record of `id`; nil when there is none.
  package func find(_ id: SessionID, secret: FlowSecret, in memory: borrowing FlowTableMemory) -> UInt32? {
    var slot = home(id, secret)
    while let index = entry(slot) {
      if memory[detail: index].id == id { return index }
      slot = next(slot)
    }
    return nil
  }

  /// Enters record `index`, whose detail holds its id; the id must not be there yet.
  package func insert(_ index: UInt32, secret: FlowSecret, in memory: borrowing FlowTableMemory) {
    var slot = home(memory[detail: index].id, secret)
    while entry(slot) != nil { slot = next(slot) }
    unsafe slots[Int(slot)] = index + 1
  }

  /// The same unless the id is there already.
  ///
  /// - Returns: whether it was entered.
  package func insertIfAbsent(
    _ index: UInt32, secret: FlowSecret, in memory: borrowing FlowTableMemory
  ) -> Bool {
    guard find(memory[detail: index].id, secret: secret, in: memory) == nil else { return false }
    insert(index, secret: secret, in: memory)
    return true
  }

  /// Takes record `index` out, if it is in.
  package func remove(_ index: UInt32, secret: FlowSecret, in memory: borrowing FlowTableMemory) {
    var hole = home(memory[detail: index].id, secret)
    while let found = entry(hole), found != index { hole = next(hole) }
    guard entry(hole) != nil else { return }
    // Later entries of the run move into the hole unless that would put them before their home.
    var probe = next(hole)
    while let candidate = entry(probe) {
      let home = home(memory[detail: candidate].id, secret)
      if distance(from: home, to: probe) >= distance(from: hole, to: probe) {
        unsafe slots[Int(hole)] = candidate + 1
        hole = probe
      }
      probe = next(probe)
    }
    unsafe slots[Int(hole)] = 0
  }

  /// How many ids it holds. Looks at every slot.
  package func countEntries() -> Int { (0..<slotCount).count { entry($0) != nil } }

  private func entry(_ slot: UInt32) -> UInt32? {
    // SAFETY: `home` and `next` keep slots below `slotCount`.
    let stored = unsafe slots[Int(slot)]
    return stored == 0 ? nil : stored - 1
  }

  private func home(_ id: SessionID, _ secret: FlowSecret) -> UInt32 {
    secret.hash(addresses: id.rawValue, ports: 0, kind: .none).bucket(of: slotCount)
  }

  private func next(_ slot: UInt32) -> UInt32 { slot + 1 == slotCount ? 0 : slot + 1 }

  private func distance(from start: UInt32, to end: UInt32) -> UInt32 {
    end >= start ? end - start : end + slotCount - start
  }
}
