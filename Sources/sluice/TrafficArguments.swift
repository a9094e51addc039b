public import ArgumentParser
public import TrafficGenerator

/// The options of `generate` that say what the traffic is.
struct TrafficArguments: ParsableArguments {
  @Option(help: "Conversations, each with its own 5-tuple. (default: 50000, or fewer with few --packets)")
  var flows: Int?

  @Option(help: "Packets, exactly; at least one a flow. (default: 20 a flow)")
  var packets: Int?

  @Option(
    help: ArgumentHelp(
      "Bytes of a data packet's frame without tags, 64...9014, or \"imix\": 64, 576 and 1500 as 7 to 4 to 1.",
      valueName: "bytes|imix"))
  var size = TrafficSize(value: .imix)

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Option(help: "Address family: 4, 6 or both.")
  var ip = TrafficOptions.Families.ipv4

  @Option(name: .customLong("protocol"), help: "Transport: tcp, udp or both.")
  var transport = TrafficOptions.Transports.both

  @Option(help: ArgumentHelp("Put an 802.1Q tag on every frame.", valueName: "id"))
  var vlan: Int?

  @Option(help: ArgumentHelp("Put an 802.1ad and an 802.1Q tag on every frame.", valueName: "outer.inner"))
  var qinq: TrafficQinQ?

  @Option(
    help: ArgumentHelp(
      "Share of data packets sent as two fragments, 0...1; each is a packet.", valueName: "share"))
  var fragments = 0.0

  @Option(
    help: "Which conversation the next packet belongs to: uniform, or zipf (the k-th with a share of 1/k).")
  var distribution = TrafficOptions.Distribution.uniform

  @Option(help: ArgumentHelp("Share of TCP data segments that are sent again, 0...0.9.", valueName: "share"))
  var retransmit = 0.01

  @Option(help: ArgumentHelp("Packets per second of capture time, 1...1e9.", valueName: "pps"))
  var rate: Double?

  @Option(
    help: ArgumentHelp(
      "Seconds of capture time, silence not counted. (default: 4 at most)", valueName: "seconds"))
  var duration: Double?

  @Option(help: "mixed, or steady: data of established conversations only, none of which ends.")
  var shape = TrafficOptions.Shape.mixed

  func validate() throws {
    if vlan != nil, qinq != nil { throw ValidationError("--vlan and --qinq: use one of them") }
    if rate != nil, duration != nil { throw ValidationError("--rate and --duration: use one of them") }
  }

  /// As the generator takes them; it checks the ranges.
  var options: TrafficOptions {
    var options = TrafficOptions()
    let each = TrafficOptions.packetsPerFlow
    options.flows = flows ?? packets.map { min(options.flows, max(1, $0 / each)) } ?? options.flows
    options.packets = packets ?? options.flows.multipliedReportingOverflow(by: each).partialValue
    options.size = size.value
    options.seed = seed
    options.families = ip
    options.transports = transport
    if let vlan { options.tags = .vlan(vlan) }
    if let qinq { options.tags = .qinq(outer: qinq.outer, inner: qinq.inner) }
    options.fragments = fragments
    options.distribution = distribution
    options.retransmits = retransmit
    if let rate { options.pace = .rate(rate) }
    if let duration { options.pace = .duration(duration) }
    options.shape = shape
    return options
  }
}

extension TrafficOptions.Families: ExpressibleByArgument {}
extension TrafficOptions.Transports: ExpressibleByArgument {}
extension TrafficOptions.Distribution: ExpressibleByArgument {}
extension TrafficOptions.Shape: ExpressibleByArgument {}

/// `--size`: a number of bytes or `imix`.
struct TrafficSize: ExpressibleByArgument {
  let value: TrafficOptions.Size

  init(value: TrafficOptions.Size) { self.value = value }

  init?(argument: String) {
    if argument == "imix" {
      value = .imix
    } else if let bytes = Int(argument) {
      value = .bytes(bytes)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String { "imix" }
}

/// `--qinq`: two VLAN ids with a point between them.
struct TrafficQinQ: ExpressibleByArgument {
  let outer: Int
  let inner: Int

  init?(argument: String) {
    let parts = argument.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let outer = parts[0], let inner = parts[1] else { return nil }
    (self.outer, self.inner) = (outer, inner)
  }
}
