/// Where the packets of a session arrive, in terms of its key: two sessions of one tuple may exist beside
/// each other if no packet could belong to both.
struct SessionLIFs: Equatable {
  var inLIF: LIF
  var outLIF: LIF
  /// The key's side of the initiator, 0 or 1.
  var side: UInt8

  /// Whether some packet could belong to both: the LIFs of one direction overlap.
  func overlaps(_ other: SessionLIFs) -> Bool {
    let (there, back) = side == other.side ? (other.inLIF, other.outLIF) : (other.outLIF, other.inLIF)
    return there.overlaps(inLIF) || back.overlaps(outLIF)
  }
}

/// A request as the table takes it: its key computed, its LIFs in terms of the key.
package struct KeyedRequest {
  package let request: SessionRequest
  let key: FlowKey
  let addresses6: FlowAddresses6

  package init(_ request: SessionRequest, secret: FlowSecret) {
    self.request = request
    var addresses6 = FlowAddresses6()
    key = FlowKey(request.tuple, secret: secret, addresses6: &addresses6)
    self.addresses6 = addresses6
  }

  var lifs: SessionLIFs { SessionLIFs(inLIF: request.inLIF, outLIF: request.outLIF, side: key.side) }

  /// Whether both are the same flow, in either orientation.
  func hasTuple(of other: KeyedRequest) -> Bool {
    key.addresses == other.key.addresses && key.ports == other.key.ports && key.kind == other.key.kind
      && addresses6 == other.addresses6
  }
}
