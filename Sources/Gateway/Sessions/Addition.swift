import Dataplane

/// One request for many sessions on its way over several workers and batches. Used by one task.
final class Addition {
  /// Requests of one batch: a worker's packets wait for no more at a time.
  static let partSize = 256

  /// Round trips for requests of one id that are for several workers; those that would need more are refused
  /// as duplicates, so that nobody makes others wait for long.
  private static let waves = 64

  enum Step { case check, add }

  private let requests: [SessionRequest]
  private let replacing: Bool
  private let workers: Int
  /// By position: the worker that owns the tuple.
  private let owners: [Int]
  /// By position; nil while not known.
  private var answers: [(outcome: AddOutcome, id: SessionID)?]
  /// What `check` expects of those that are still to be carried out.
  private var promises: [AddOutcome]
  /// Clients' ids in use, and on which worker.
  private var homes: [SessionID: Int] = [:]
  /// One for each worker: they are used by it alone.
  private let plans: [AdditionPlan]
  /// The latest time at which a batch was applied.
  private(set) var commitTime = PacketTime.zero
  /// Reserved places that no batch was given.
  private(set) var unusedPlaces: Int

  init(_ requests: [SessionRequest], replacing: Bool, _ group: WorkerGroup) {
    self.requests = requests
    self.replacing = replacing
    workers = group.setup.workers
    owners =
      workers == 1
      ? Array(repeating: 0, count: requests.count) : requests.map { group.setup.owner(of: $0.tuple) }
    answers = Array(repeating: nil, count: requests.count)
    promises = Array(repeating: .added, count: requests.count)
    plans = (0..<workers).map { _ in AdditionPlan() }
    unusedPlaces = requests.count
  }

  /// What became of each request.
  var outcomes: [(outcome: AddOutcome, id: SessionID)] {
    answers.indices.map { answers[$0] ?? (.unavailable, requests[$0].id) }
  }

  // MARK: After `check`

  /// Sessions that the requests would insert.
  var neededPlaces: Int { answers.count { $0?.outcome == .added } }

  /// The outcomes when there are too few places.
  var outcomesWhenFull: [(outcome: AddOutcome, id: SessionID)] {
    outcomes.map { ($0.outcome.whenFull, $0.id) }
  }

  /// Only what the check found no duplicate of is carried out.
  func keepPromising() {
    unusedPlaces = neededPlaces
    homes = [:]
    for index in answers.indices {
      guard let answer = answers[index], answer.outcome.isChange else { continue }
      promises[index] = answer.outcome
      answers[index] = nil
    }
  }

  // MARK: Going to the workers

  /// Has workers check, or carry out, all requests that have no answer yet.
  ///
  /// An id may be in use on another worker than the tuple's. Where requests for several workers have one id,
  /// the later ones wait for what becomes of the first.
  func run(_ step: Step, _ queue: CommandQueue) async {
    if workers > 1 { await findHomes(queue) }
    var remaining = answers.indices.filter { answers[$0] == nil }
    for _ in 0..<Self.waves where !remaining.isEmpty {
      let (wave, later) = nextWave(remaining)
      let isAnswered = await send(wave, step, queue)
      if !isAnswered { return }
      if workers > 1 {
        for index in wave where answers[index]?.outcome.isChange == true {
          homes[requests[index].id] = owners[index]
        }
      }
      remaining = later
    }
    for index in remaining { answers[index] = (.alreadyExists, requests[index].id) }
  }

  /// Looks for the clients' ids on the workers that do not own their tuples.
  private func findHomes(_ queue: CommandQueue) async {
    var wanted = [Set<SessionID>](repeating: [], count: workers)
    for index in answers.indices where answers[index] == nil && requests[index].id != .unassigned {
      for worker in 0..<workers where worker != owners[index] { wanted[worker].insert(requests[index].id) }
    }
    var batches: [(worker: Int, batch: SessionBatch)] = []
    for worker in 0..<workers {
      let ids = Array(wanted[worker])
      for start in stride(from: 0, to: ids.count, by: Self.partSize) {
        let part = Array(ids[start..<min(start + Self.partSize, ids.count)])
        batches.append((worker, SessionBatch(.find(part))))
      }
    }
    await queue.run(batches)
    for (worker, batch) in batches where batch.isDone {
      for case let session? in batch.snapshots { homes[session.id] = worker }
    }
  }

  /// Answers those whose id is in use elsewhere; splits the rest into what can go now and what waits.
  private func nextWave(_ remaining: [Int]) -> (now: [Int], later: [Int]) {
    guard workers > 1 else { return (remaining, []) }
    var (now, later): ([Int], [Int]) = ([], [])
    var first: [SessionID: Int] = [:]
    // What comes after a request that waits, and has its id or its tuple, waits too: the first wins.
    var waitingIDs: Set<SessionID> = []
    var waitingTuples: Set<FiveTuple> = []
    for index in remaining {
      let id = requests[index].id
      let tuple = requests[index].tuple
      if waitingIDs.contains(id) || waitingTuples.contains(tuple) {
        later.append(index)
        waitingTuples.formUnion([tuple, tuple.swapped])
        if id != .unassigned { waitingIDs.insert(id) }
      } else if id == .unassigned {
        now.append(index)
      } else if let home = homes[id], home != owners[index] {
        answers[index] = (.alreadyExists, id)
      } else if let owner = first[id], owner != owners[index] {
        later.append(index)
        waitingTuples.formUnion([tuple, tuple.swapped])
        waitingIDs.insert(id)
      } else {
        first[id] = owners[index]
        now.append(index)
      }
    }
    return (now, later)
  }

  /// - Returns: whether all were answered.
  private func send(_ wave: [Int], _ step: Step, _ queue: CommandQueue) async -> Bool {
    var byWorker = [[Int]](repeating: [], count: workers)
    for index in wave { byWorker[owners[index]].append(index) }
    var parts: [(indices: ArraySlice<Int>, worker: Int, batch: SessionBatch)] = []
    for (worker, indices) in byWorker.enumerated() {
      for start in stride(from: 0, to: indices.count, by: Self.partSize) {
        let part = indices[start..<min(start + Self.partSize, indices.count)]
        parts.append((part, worker, batch(part, step, worker)))
      }
    }
    await queue.run(parts.map { ($0.worker, $0.batch) })
    for part in parts {
      guard part.batch.isDone else { return false }
      commitTime = max(commitTime, part.batch.time)
      for (position, index) in part.indices.enumerated() { answers[index] = part.batch.outcomes[position] }
    }
    return true
  }

  private func batch(_ indices: ArraySlice<Int>, _ step: Step, _ worker: Int) -> SessionBatch {
    let requests = indices.map { self.requests[$0] }
    switch step {
    case .check: return SessionBatch(.check(requests, replacing: replacing, plans[worker]))
    case .add:
      let places = indices.count { promises[$0] == .added }
      unusedPlaces -= places
      return SessionBatch(.add(requests, replacing: replacing, places: .held(places)))
    }
  }
}

extension AddOutcome {
  /// Whether it left a session as requested.
  var isChange: Bool { self == .added || self == .replaced || self == .tookOver }
}

extension FiveTuple {
  /// The same as the responder sends it.
  fileprivate var swapped: FiveTuple {
    FiveTuple(
      source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort,
      transport: transport)
  }
}
