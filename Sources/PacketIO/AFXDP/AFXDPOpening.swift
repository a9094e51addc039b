package import Dataplane

/// Opens the sockets of AF_XDP ports: a worker's all in that worker's frames.
package struct AFXDPOpening {
  private let ports: [AFXDPPort]
  private let setup: WorkerSetup

  /// - Parameter ports: all AF_XDP ports.
  package init(_ ports: [AFXDPPort], _ setup: WorkerSetup) {
    self.ports = ports
    self.setup = setup
  }

  /// The queues of one worker on the ports, in their order. The device's queues are dealt to the workers in
  /// turn, so that all of them have one where there are as many.
  package func queues(of worker: Int, counters: PortCounters) throws(LivePortError) -> [AFXDPQueue] {
    var frames: AFXDPFrames?
    var sockets = ports.map { _ in [AFXDPSocket]() }
    if let size = frameSize, ports.contains(where: { $0.receiveQueues > worker }) {
      let count = ports.reduce(0) { $0 + numbers(worker, $1).count * $1.settings.framesPerSocket }
      guard let made = AFXDPFrames(count: count, frameSize: size, mesh: setup.mesh) else {
        throw LivePortError("AF_XDP: no memory for \(count) frames of \(size) bytes: lower ring.packets")
      }
      frames = made
      sockets = try open(worker, made)
    }
    var queues: [AFXDPQueue] = []
    for (place, port) in ports.enumerated() {
      for (number, socket) in zip(numbers(worker, port), sockets[place]) {
        try port.program.set(queue: number, socket, port.settings.interface)
      }
      queues.append(
        try AFXDPQueue(
          port, worker: worker, sockets: sockets[place], frames: sockets[place].isEmpty ? nil : frames,
          setup: setup, counters: counters))
    }
    return queues
  }

  /// Bytes of a frame that has room for a packet of every port.
  private var frameSize: Int? { ports.compactMap { AFXDPSettings.frameSize(mtu: $0.mtu) }.max() }

  private func numbers(_ worker: Int, _ port: AFXDPPort) -> [Int] {
    Array(stride(from: worker, to: port.receiveQueues, by: setup.workers))
  }

  /// Where the devices can, they work on the frames themselves; all of a worker's, or none.
  private func open(_ worker: Int, _ frames: AFXDPFrames) throws(LivePortError) -> [[AFXDPSocket]] {
    if !ports.contains(where: \.program.isGeneric) {
      if let sockets = try? open(worker, frames, isCopying: false) { return sockets }
    }
    return try open(worker, frames, isCopying: true)
  }

  private func open(
    _ worker: Int, _ frames: AFXDPFrames, isCopying: Bool
  ) throws(LivePortError) -> [[AFXDPSocket]] {
    var first: AFXDPSocket?
    var all: [[AFXDPSocket]] = []
    for port in ports {
      var own: [AFXDPSocket] = []
      for number in numbers(worker, port) {
        let socket = try AFXDPSocket(
          port, queue: number, frames: frames, first: first, isCopying: isCopying)
        first = first ?? socket
        own.append(socket)
      }
      all.append(own)
    }
    return all
  }
}
