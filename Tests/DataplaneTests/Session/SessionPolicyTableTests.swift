import Dataplane
import Testing

@Suite("Session policies")
struct SessionPolicyTableTests {
  private func policy(idle: UInt32) -> SessionPolicy {
    SessionPolicy(
      inLIF: .any, outLIF: .any, action: .forward, nextHop: nil, idle: idle, handshake: 30,
      timeouts: Timeouts())
  }

  @Test func `each is stored once, however they take turns`() throws {
    var table = try required(SessionPolicyTable())
    var indices: [UInt32: UInt32] = [:]
    var uses: [UInt32: UInt32] = [:]
    for idle in [1, 1, 2, 1, 2, 2, 3, 3, 1] as [UInt32] {
      let index = try required(table.acquire(policy(idle: idle)))
      #expect(indices[idle, default: index] == index)
      indices[idle] = index
      uses[index, default: 0] += 1
      #expect(table[index] == policy(idle: idle))
    }
    #expect(table.count == 3)
    #expect(table.checkInvariants(uses: uses) == [])
  }

  @Test func `one that was asked for last and released is gone`() throws {
    var table = try required(SessionPolicyTable())
    let first = try required(table.acquire(policy(idle: 1)))
    table.release(first)
    let second = try required(table.acquire(policy(idle: 2)))
    #expect(second == first)
    let third = try required(table.acquire(policy(idle: 1)))
    #expect(third != second)
    #expect(table[second] == policy(idle: 2) && table[third] == policy(idle: 1))
    #expect(table.checkInvariants(uses: [second: 1, third: 1]) == [])
  }
}
