import CMallocCount
import Dataplane
import Glibc

// Refuses a worker that allocates or frees memory while packets pass: a million packets on each worker's
// thread, after a warm-up, with sessions learned, closed, reset, timed out and reported all the time, copies
// made, packets retagged and, with two workers, handed over. Exit status 1, with the number of calls.

let warmUp = 400_000
let packets = 1_000_000

/// What every trial must have seen, or it proves nothing.
let wanted: [(counter: Counter, name: String)] = [
  (.sessionsOpened, "learned"), (.closedFINACK, "FINACK"), (.closedRST, "RST"), (.closedTimeout, "timed out"),
  (.mirrored, "mirrored"), (.dropped, "dropped"), (.learnFailed, "refused"),
]

guard sluice_malloc_count_works() else {
  print("error: a sanitizer has its own malloc: build without it")
  exit(1)
}
var figures: [String] = []
do {
  for workers in 1...2 {
    let trial = try Trial(workers: workers, warmUp: warmUp, packets: packets)
    for (counter, name) in wanted where trial.total(counter) == 0 {
      print("error: with \(workers) worker(s) nothing was \(name): the traffic is not what it should be")
      exit(1)
    }
    if workers > 1, trial.total(.handedOff) == 0 {
      print("error: no packet was handed over: the traffic is not what it should be")
      exit(1)
    }
    if trial.allocations > 0 {
      print("error: \(trial.allocations) allocations and frees on the threads of \(workers) worker(s)")
      exit(1)
    }
    figures.append(
      "\(workers): " + wanted.map { "\(trial.total($0.counter)) \($0.name)" }.joined(separator: ", "))
  }
} catch {
  print("error: a worker could not start: \(error)")
  exit(1)
}
print("no allocation in \(packets) packets a worker; workers \(figures.joined(separator: "; workers "))")
