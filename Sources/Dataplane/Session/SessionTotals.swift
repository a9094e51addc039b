/// A worker's session counts since it started.
package struct SessionTotals: Equatable, BitwiseCopyable, Sendable {
  package var opened: UInt64 = 0
  package var closedFINACK: UInt64 = 0
  package var closedRST: UInt64 = 0
  package var closedTimeout: UInt64 = 0
  package var deleted: UInt64 = 0
  /// Packets that tracking noted and let pass.
  package var implausibleReset: UInt64 = 0
  package var implausibleFin: UInt64 = 0
  package var synOnEstablished: UInt64 = 0
  package var nonsenseFlags: UInt64 = 0

  package init() {}

  package mutating func count(_ code: CloseCode) {
    switch code {
    case .finACK: closedFINACK += 1
    case .reset: closedRST += 1
    case .timeout: closedTimeout += 1
    case .notClosed: deleted += 1
    }
  }

  package mutating func count(_ implausibility: TCPTracking.Implausibility) {
    switch implausibility {
    case .reset: implausibleReset += 1
    case .fin: implausibleFin += 1
    case .synOnEstablished: synOnEstablished += 1
    case .nonsense: nonsenseFlags += 1
    }
  }
}
