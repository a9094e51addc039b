extension SessionTable {
  /// What is wrong with the table, as sentences; empty when all is well. For tests: it looks at every record.
  ///
  /// - Parameter keptPolicies: policies that the owner holds acquired for learning.
  package func checkInvariants(keptPolicies: [UInt32] = []) -> [String] {
    var problems = flows.checkInvariants(secret: secret)
    var policyUses: [UInt32: UInt32] = [:]
    for policy in keptPolicies { policyUses[policy, default: 0] += 1 }
    var alive = 0
    var closed = 0
    var clientIDs = 0
    var next: UInt32 = 0
    while let index = flows.firstTouched(from: next) {
      next = index + 1
      let record = flows.memory[index]
      guard record.kind != .none else { continue }
      policyUses[record.policy, default: 0] += 1
      if flows.memory[detail: index].slot == TimerWheel.unarmed {
        problems.append("session \(index) has no timer")
      }
      if record.state.isClosed {
        closed += 1
        continue
      }
      alive += 1
      let id = flows.memory[detail: index].id
      if self.record(of: id) != index { problems.append("id \(id) does not lead to session \(index)") }
      if !isAtHome(id, index) { clientIDs += 1 }
    }
    if alive != live { problems.append("\(alive) sessions are live, the count is \(live)") }
    if closed != lingering { problems.append("\(closed) sessions linger, the count is \(lingering)") }
    if ids.countEntries() != clientIDs {
      problems.append("the id index has \(ids.countEntries()) entries for \(clientIDs) clients' ids")
    }
    if Int(wheel.count) != alive + closed {
      problems.append("\(wheel.count) timers for \(alive + closed) sessions")
    }
    return problems + wheel.checkInvariants(in: flows.memory) + policies.checkInvariants(uses: policyUses)
      + checkLingering()
  }

  /// The list of lingering sessions holds closed ones only, each once, linked both ways.
  private func checkLingering() -> [String] {
    var index = lingerFirst
    var previous = FlowTable.none
    var length = 0
    while index != FlowTable.none, length <= lingering {
      guard flows.memory[index].kind != .none, flows.memory[index].state.isClosed else {
        return ["session \(index) is in the list of lingering ones and not closed"]
      }
      guard flows.memory[detail: index].lingerPrevious == previous else {
        return ["lingering session \(index) has a wrong neighbour"]
      }
      previous = index
      index = flows.memory[detail: index].lingerNext
      length += 1
    }
    guard length == lingering, previous == lingerLast else {
      return ["the list of lingering sessions has \(length) entries for \(lingering)"]
    }
    return []
  }
}
