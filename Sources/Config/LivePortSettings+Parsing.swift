internal import PacketIO

extension LivePortSettings {
  private enum Kind { case afPacket, afXDP, tap }

  /// Reads `kind`, `interface`, `ring` and `xdp` of a port; nil if it has no interface.
  init?(_ port: MappingReader, _ problems: inout ProblemList) {
    let kinds = [("af_packet", Kind.afPacket), ("af_xdp", .afXDP), ("tap", .tap)]
    let kind = port.choice("kind", among: kinds, &problems)
    guard port.has("interface") else {
      if kind != nil { port.require("interface", accepted: Self.nameText, &problems) }
      if port.has("ring") {
        port.refuse("ring", "stands without interface: only a live port has a receive ring", &problems)
      }
      if port.has("xdp") { port.refuse("xdp", "stands without kind: af_xdp and an interface", &problems) }
      if port.has("fanout") {
        port.refuse("fanout", "stands without kind: af_packet and an interface", &problems)
      }
      return nil
    }
    guard let name = port.text("interface", accepted: Self.nameText, &problems) else { return nil }
    guard Self.isName(name) else {
      port.refuse("interface", "\(quoted(name)) is not an interface; accepted: \(Self.nameText)", &problems)
      return nil
    }
    switch kind ?? .afPacket {
    case .afPacket:
      Self.refuseXDP(port, &problems)
      self = .afPacket(AFPacketSettings(name, port, &problems))
    case .afXDP:
      Self.refuseFanout(port, &problems)
      self = .afXDP(AFXDPSettings(name, port, &problems))
    case .tap:
      Self.refuseXDP(port, &problems)
      Self.refuseFanout(port, &problems)
      if port.has("ring") { port.refuse("ring", "is not of kind: tap; leave it out", &problems) }
      if name.contains("%") {
        let reason = "\(quoted(name)): the kernel would put a number for %; accepted: a name without it"
        port.refuse("interface", reason, &problems)
      }
      self = .tap(TapSettings(interface: name))
    }
  }

  private static func refuseXDP(_ port: MappingReader, _ problems: inout ProblemList) {
    if port.has("xdp") { port.refuse("xdp", "is of kind: af_xdp only; leave it out", &problems) }
  }

  private static func refuseFanout(_ port: MappingReader, _ problems: inout ProblemList) {
    if port.has("fanout") { port.refuse("fanout", "is of kind: af_packet only; leave it out", &problems) }
  }

  private static let nameText = "the name of a network interface, as ip link shows it"

  /// What the kernel takes for a name (dev_valid_name): 1 to 15 bytes, neither a slash, a colon nor a blank.
  private static func isName(_ text: String) -> Bool {
    (1...AFPacketSettings.longestName).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { $0 > UInt8(ascii: " ") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
  }
}

extension AFPacketSettings {
  /// Reads `ring` and `fanout` of a port.
  fileprivate init(_ interface: String, _ port: MappingReader, _ problems: inout ProblemList) {
    self.init(interface: interface)
    fanout = port.choice("fanout", among: [("sessions", .sessions), ("hash", .hash)], &problems) ?? fanout
    let keys = ["version", "size", "block_timeout"]
    guard let ring = port.mapping("ring", keys: keys, &problems) else { return }
    let number: UInt64? = ring.integer("version", in: 2...3, &problems)
    version = number.flatMap { RingVersion(rawValue: Int($0)) } ?? version
    let sizes = UInt64(Self.ringBytes.lowerBound)...UInt64(Self.ringBytes.upperBound)
    ringSize = ring.integer("size", in: sizes, &problems).map { Int($0) } ?? ringSize
    blockTimeout =
      ring.integer("block_timeout", in: 1...1000, &problems).map { Int($0 as UInt64) } ?? blockTimeout
    if ring.has("block_timeout"), version != .v3 {
      ring.refuse("block_timeout", "is of version 3 only; add version: 3, or leave it out", &problems)
    }
  }
}

extension AFXDPSettings {
  private static let modes: [(word: String, value: Mode)] = [
    ("auto", .auto), ("native", .native), ("generic", .generic),
  ]

  /// Reads `ring` and `xdp` of a port.
  fileprivate init(_ interface: String, _ port: MappingReader, _ problems: inout ProblemList) {
    self.init(interface: interface)
    mode = port.choice("xdp", among: Self.modes, &problems) ?? mode
    guard let ring = port.mapping("ring", keys: ["packets"], &problems) else { return }
    let sizes = UInt64(Self.ringSizes.lowerBound)...UInt64(Self.ringSizes.upperBound)
    guard let size: UInt64 = ring.integer("packets", in: sizes, &problems) else { return }
    guard size.nonzeroBitCount == 1 else {
      ring.refuse("packets", "\(size) is not a power of two; accepted: 512, 1024 ... 32768", &problems)
      return
    }
    ringSize = Int(size)
  }
}
