extension FlowTable {
  /// What is wrong with the table, as sentences; empty when all is well. For tests: it looks at every bucket.
  ///
  /// - Parameter secret: the one that the keys' hashes were made with.
  package func checkInvariants(secret: FlowSecret) -> [String] {
    var problems: [String] = []
    var passed = [UInt32](repeating: 0, count: Int(memory.bucketCount))
    var isEntered = [Bool](repeating: false, count: Int(recordCount))
    for bucket in 0..<memory.bucketCount {
      for slot in 0..<FlowTableMemory.Bucket.slots where memory.tag(bucket, slot: slot) != 0 {
        let index = memory.recordIndex(bucket, slot: slot)
        guard index < recordCount, isTouched(index), memory[index].kind != .none else {
          problems.append("bucket \(bucket) names record \(index), which is free")
          continue
        }
        if isEntered[Int(index)] { problems.append("record \(index) is entered twice") }
        isEntered[Int(index)] = true
        let record = memory[index]
        let hash = secret.hash(addresses: record.addresses, ports: record.ports, kind: record.kind)
        if memory.tag(bucket, slot: slot) != hash.tag { problems.append("record \(index) has a wrong tag") }
        if record.kind.isIPv6, secret.digest(memory[addresses6: index]) != record.addresses {
          problems.append("record \(index) has addresses that are not its key's")
        }
        var step = hash.bucket(of: memory.bucketCount)
        var distance = 0
        while step != bucket {
          passed[Int(step)] += 1
          step = next(step)
          distance += 1
        }
        if Int(memory.distance(bucket, slot: slot)) != min(distance, 255) {
          problems.append("record \(index) has a wrong distance from home")
        }
      }
    }
    for bucket in 0..<memory.bucketCount where memory.overflow(bucket) != passed[Int(bucket)] {
      problems.append(
        "bucket \(bucket) says \(memory.overflow(bucket)) keys passed it, \(passed[Int(bucket)]) did")
    }
    for bucket in 0..<memory.bucketCount
    where memory.slots(bucket, matching: 0) != 0 && passed[Int(bucket)] > 0 {
      problems.append("bucket \(bucket) has a free slot, and keys that passed it")
    }
    return problems + checkRecords(isEntered)
  }

  /// Every record is in exactly one place: entered in a bucket, in a free list, or never used.
  private func checkRecords(_ isEntered: [Bool]) -> [String] {
    var problems: [String] = []
    var isFree = [Bool](repeating: false, count: Int(recordCount))
    for head in [freeIPv4, freeIPv6] {
      var index = head
      while index != Self.none {
        guard index < recordCount, isTouched(index), !isFree[Int(index)] else {
          problems.append("a free list comes to record \(index) twice or out of range")
          break
        }
        isFree[Int(index)] = true
        index = memory[detail: index].next
      }
    }
    for index in 0..<recordCount {
      let places = (isEntered[Int(index)] ? 1 : 0) + (isFree[Int(index)] ? 1 : 0)
      if places != (isTouched(index) ? 1 : 0) { problems.append("record \(index) is in \(places) places") }
      if isFree[Int(index)], memory[index].kind != .none {
        problems.append("free record \(index) looks live")
      }
    }
    let entered = isEntered.count { $0 }
    if entered != Int(count) { problems.append("\(entered) records are entered, the count is \(count)") }
    return problems
  }

  /// How many buckets a search for record `index`, in use, looks at: 1 when it is in its home bucket.
  package func probeLength(of index: UInt32, secret: FlowSecret) -> Int {
    let record = memory[index]
    let hash = secret.hash(addresses: record.addresses, ports: record.ports, kind: record.kind)
    var bucket = hash.bucket(of: memory.bucketCount)
    for length in 1...Int(memory.bucketCount) {
      for slot in 0..<FlowTableMemory.Bucket.slots
      where memory.tag(bucket, slot: slot) != 0 && memory.recordIndex(bucket, slot: slot) == index {
        return length
      }
      bucket = next(bucket)
    }
    preconditionFailure("record \(index) is not in the flow table")
  }
}
