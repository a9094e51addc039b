/// The exact count of what a request for many sessions would insert, made without inserting: the requests
/// looked at so far, as if they had been carried out. Used by one worker at a time.
public final class AdditionPlan {
  /// Requests that will be sessions of their own, by id and by tuple; ids that the server assigns are in
  /// nobody's way.
  private var byID: [SessionID: KeyedRequest] = [:]
  private var byTuple: [UInt64: [KeyedRequest]] = [:]
  /// Records of learned sessions that will be taken over.
  private(set) var takenOver: Set<UInt32> = []

  public init() {}

  /// The planned session of `id`.
  func request(of id: SessionID) -> KeyedRequest? { byID[id] }

  /// Whether a planned session is in the way of `keyed`.
  func collides(with keyed: KeyedRequest) -> Bool {
    byTuple[keyed.key.hash.rawValue]?.contains {
      $0.hasTuple(of: keyed) && $0.lifs.overlaps(keyed.lifs)
    } ?? false
  }

  fileprivate func note(_ keyed: KeyedRequest, takingOver record: UInt32?) {
    if keyed.request.id != .unassigned { byID[keyed.request.id] = keyed }
    byTuple[keyed.key.hash.rawValue, default: []].append(keyed)
    if let record { takenOver.insert(record) }
  }
}

extension SessionTable {
  /// What `add` would answer to the request after those of `plan`, room aside; puts it into the plan.
  func check(
    _ keyed: KeyedRequest, replacing: Bool, at time: PacketTime, after plan: AdditionPlan
  ) -> AddOutcome {
    switch decision(on: keyed, replacing: replacing, at: time, after: plan) {
    case .refuse: return .alreadyExists
    case .replace: return .replaced
    case .takeOver(let record):
      plan.note(keyed, takingOver: record)
      return .tookOver
    case .open:
      plan.note(keyed, takingOver: nil)
      return .added
    }
  }
}
