import Dataplane
import Testing

@Suite("Segmentation of super-frames")
struct SegmentationTests {
  /// A super-frame: Ethernet, tags, IP, TCP or UDP, `payload` bytes that tell their position.
  private struct Sample {
    var isIPv6 = false
    var isTCP = true
    var tags = 0
    var options = 0
    var payload = 5000
    var segmentSize = 1448
    var flags: TCPFlags = [.ack, .psh, .fin, .cwr, .ece]
    var sequence: UInt32 = 0xFFFF_F000
    var identification: UInt16 = 0xFFFE

    var source: IPAddress { isIPv6 ? IPAddress(ipv6High: 1, low: 2) : IPAddress(ipv4: 0x0A00_0001) }
    var destination: IPAddress { isIPv6 ? IPAddress(ipv6High: 3, low: 4) : IPAddress(ipv4: 0x0A00_0002) }
    var networkOffset: Int { 14 + 4 * tags }
    var transportOffset: Int { networkOffset + (isIPv6 ? 40 : 20) }
    var transportHeader: Int { isTCP ? 20 + options : 8 }
    var headerLength: Int { transportOffset + transportHeader }

    func byte(_ position: Int) -> UInt8 { UInt8(truncatingIfNeeded: position &* 31 &+ position >> 8) }

    var bytes: [UInt8] {
      var frame = [UInt8](repeating: 0, count: headerLength + payload)
      var storage = frame.mutableSpan
      var span = storage.mutableBytes
      let type = isIPv6 ? EtherType.ipv6 : EtherType.ipv4
      EthernetHeader.write(
        destination: MACAddress(0x0200_0000_0002), source: MACAddress(0x0200_0000_0001),
        etherType: tags > 0 ? EtherType.vlan : type, into: &span)
      for tag in 0..<tags {
        VLANTag.write(
          identifier: 100, priority: 3, typeOrLength: tag == tags - 1 ? type : EtherType.vlan, into: &span,
          at: 14 + 4 * tag)
      }
      let transport = transportHeader + payload
      let number: UInt8 = isTCP ? 6 : 17
      if isIPv6 {
        IPv6Header.write(
          source: source, destination: destination, nextHeader: number, payloadLength: transport,
          flowLabel: 0x12345, into: &span, at: networkOffset)
      } else {
        IPv4Header.write(
          source: source, destination: destination, protocolNumber: number, totalLength: 20 + transport,
          identification: identification, dontFragment: true, into: &span, at: networkOffset)
      }
      if isTCP {
        TCPHeader.write(
          sourcePort: 1234, destinationPort: 80, sequence: sequence, acknowledgment: 77, flags: flags,
          window: 500, into: &span, at: transportOffset)
        span.storeBytes(
          of: UInt8((20 + options) / 4) << 4, toByteOffset: transportOffset + 12, as: UInt8.self)
        for offset in 0..<options {
          span.storeBytes(of: 1, toByteOffset: transportOffset + 20 + offset, as: UInt8.self)
        }
      } else {
        UDPHeader.write(
          sourcePort: 1234, destinationPort: 80, length: transport, into: &span, at: transportOffset)
      }
      for position in 0..<payload {
        span.storeBytes(of: byte(position), toByteOffset: headerLength + position, as: UInt8.self)
      }
      return frame
    }

    func cut() throws -> [[UInt8]] {
      let bytes = bytes
      let frame = bytes.span.bytes
      let plan = try Segmentation(of: frame, transport: isTCP ? .tcp : .udp, segmentSize: segmentSize)
      return (0..<plan.count).map { index in
        var packet = [UInt8](repeating: 0xEE, count: plan.length(of: index))
        var storage = packet.mutableSpan
        var span = storage.mutableBytes
        plan.write(index, of: frame, into: &span)
        return packet
      }
    }
  }

  /// Whether the transport's checksum is right: the sum over it and its pseudo header is all ones.
  private func hasRightSum(_ packet: [UInt8], _ sample: Sample) -> Bool {
    var sum = Checksum()
    let length = packet.count - sample.transportOffset
    sum.addPseudoHeader(
      source: sample.source, destination: sample.destination, protocolNumber: sample.isTCP ? 6 : 17,
      length: length)
    sum.add(packet.span.bytes.extracting(droppingFirst: sample.transportOffset))
    return sum.value == 0
  }

  private func check(_ sample: Sample) throws {
    let packets = try sample.cut()
    #expect(packets.count == max(1, (sample.payload + sample.segmentSize - 1) / sample.segmentSize))
    var payload: [UInt8] = []
    for (index, packet) in packets.enumerated() {
      let span = packet.span.bytes
      let frame = try Frame.parse(span, link: .ethernet, originalLength: UInt32(packet.count))
      #expect(frame.kind == (sample.isTCP ? .tcp : .udp))
      #expect(Int(frame.transportLength) == packet.count - sample.transportOffset)
      #expect(hasRightSum(packet, sample))
      if !sample.isIPv6 {
        let header = frame.ipv4(in: span)
        #expect(header.identification == sample.identification &+ UInt16(index))
        #expect(header.dontFragment == true)
        let network = span.extracting(sample.networkOffset..<sample.networkOffset + 20)
        #expect(Checksum.of(network) == 0)
      }
      if sample.isTCP {
        let header = frame.tcp(in: span)
        #expect(header.sequence == sample.sequence &+ UInt32(payload.count))
        #expect(header.acknowledgment == 77)
        var expected = sample.flags
        if index > 0 { expected.subtract(.cwr) }
        if index < packets.count - 1 { expected.subtract([.fin, .psh]) }
        #expect(header.flags == expected)
        #expect(header.dataOffset == 20 + sample.options)
      }
      payload += packet.dropFirst(sample.headerLength)
    }
    #expect(payload == (0..<sample.payload).map { sample.byte($0) })
  }

  @Test func `TCP over IPv4: sequence numbers wrap, identifications too`() throws { try check(Sample()) }

  @Test func `TCP over IPv6 with options and tags`() throws {
    try check(Sample(isIPv6: true, tags: 2, options: 12, payload: 7777, segmentSize: 1000))
  }

  @Test func `UDP over both families`() throws {
    try check(Sample(isTCP: false, payload: 4001, segmentSize: 1000))
    try check(Sample(isIPv6: true, isTCP: false, payload: 4000, segmentSize: 1000))
  }

  @Test func `payloads around multiples of the segment size`() throws {
    for payload in [0, 1, 99, 100, 101, 199, 200, 201, 1000] {
      for isIPv6 in [false, true] {
        for isTCP in [false, true] {
          try check(Sample(isIPv6: isIPv6, isTCP: isTCP, payload: payload, segmentSize: 100))
        }
      }
    }
  }

  @Test func `a segment as it was needs no change but its sums`() throws {
    let sample = Sample(payload: 100, segmentSize: 1448)
    let packet = try #require(try sample.cut().first)
    var bytes = sample.bytes
    let place = sample.transportOffset + 16
    bytes.replaceSubrange(place..<place + 2, with: packet[place..<place + 2])
    #expect(packet == bytes)
  }

  @Test func `what is not what the kernel says is refused by name`() throws {
    let tcp = Sample().bytes
    #expect(throws: DropReason.unsupportedOffload) {
      try Segmentation(of: tcp.span.bytes, transport: .udp, segmentSize: 100)
    }
    #expect(throws: DropReason.unsupportedOffload) {
      try Segmentation(of: tcp.span.bytes, transport: .tcp, segmentSize: 0)
    }
    let udp = Sample(isTCP: false).bytes
    #expect(throws: DropReason.unsupportedOffload) {
      try Segmentation(of: udp.span.bytes, transport: .tcp, segmentSize: 100)
    }
    #expect(throws: DropReason.truncatedEthernet) {
      try Segmentation(of: tcp.span.bytes.extracting(first: 10), transport: .tcp, segmentSize: 100)
    }
    // The first fragment of a datagram.
    var fragment = udp
    fragment[20] |= 0x20
    #expect(throws: DropReason.unsupportedOffload) {
      try Segmentation(of: fragment.span.bytes, transport: .udp, segmentSize: 100)
    }
  }

  @Test func `hostile headers never trap`() throws {
    var random = SplitMix64(state: 11)
    for round in 0..<20_000 {
      let sample = Sample(
        isIPv6: round % 2 == 0, isTCP: round % 3 != 0, tags: round % 3, payload: 300, segmentSize: 100)
      var bytes = sample.bytes
      for _ in 0..<3 {
        bytes[Int(random.next() % UInt64(sample.headerLength))] = UInt8(truncatingIfNeeded: random.next())
      }
      bytes.removeLast(Int(random.next() % 300))
      let span = bytes.span.bytes
      let size = Int(random.next() % 70)
      guard
        let plan = try? Segmentation(of: span, transport: sample.isTCP ? .tcp : .udp, segmentSize: size)
      else { continue }
      for index in [0, plan.count / 2, plan.count - 1] {
        #expect(plan.length(of: index) <= plan.longestLength)
        var packet = [UInt8](repeating: 0, count: plan.length(of: index))
        var storage = packet.mutableSpan
        var target = storage.mutableBytes
        plan.write(index, of: span, into: &target)
      }
    }
  }
}

@Suite("Checksums left to the device")
struct PartialChecksumTests {
  /// A UDP datagram as a sender leaves it: the field holds the pseudo header's sum.
  private func partial(payload: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 8 + payload.count)
    bytes.replaceSubrange(8..., with: payload)
    var storage = bytes.mutableSpan
    var span = storage.mutableBytes
    UDPHeader.write(sourcePort: 1, destinationPort: 2, length: 8 + payload.count, into: &span, at: 0)
    var pseudo = Checksum()
    pseudo.addPseudoHeader(
      source: IPAddress(ipv4: 0x0A00_0001), destination: IPAddress(ipv4: 0x0A00_0002), protocolNumber: 17,
      length: 8 + payload.count)
    span.storeBytes(of: (~pseudo.value).bigEndian, toByteOffset: 6, as: UInt16.self)
    return bytes
  }

  private func whole(payload: [UInt8]) -> [UInt8] {
    var bytes = partial(payload: payload)
    let length = bytes.count
    var storage = bytes.mutableSpan
    var span = storage.mutableBytes
    Checksum.fill(
      .udp, source: IPAddress(ipv4: 0x0A00_0001), destination: IPAddress(ipv4: 0x0A00_0002), length: length,
      into: &span, at: 0)
    return bytes
  }

  @Test func `completed as if the sender had summed itself`() {
    var random = SplitMix64(state: 12)
    for length in 0..<200 {
      let payload = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      // Some bytes before what is summed.
      var bytes = [UInt8](repeating: 9, count: 14) + partial(payload: payload)
      var storage = bytes.mutableSpan
      var span = storage.mutableBytes
      let isDone = Checksum.complete(&span, start: 14, field: 6)
      #expect(isDone)
      #expect(Array(bytes.dropFirst(14)) == whole(payload: payload))
    }
  }

  @Test func `a sum of 0 becomes all ones`() {
    // The payload is what the sum lacks.
    var sum = Checksum()
    sum.add(partial(payload: [0, 0]).span.bytes)
    let missing = sum.value
    let payload = [UInt8(missing >> 8), UInt8(truncatingIfNeeded: missing)]
    var bytes = partial(payload: payload)
    var storage = bytes.mutableSpan
    var span = storage.mutableBytes
    let isDone = Checksum.complete(&span, start: 0, field: 6)
    #expect(isDone)
    #expect(bytes[6...7] == [0xFF, 0xFF])
    #expect(bytes == whole(payload: payload))
  }

  @Test func `a field outside the packet is refused`() {
    for (start, field) in [(0, 9), (9, 0), (10, 0), (100, 6), (0, 100), (8, 1), (9, 65535)] {
      var bytes = partial(payload: [1, 2])
      let before = bytes
      var storage = bytes.mutableSpan
      var span = storage.mutableBytes
      let isDone = Checksum.complete(&span, start: start, field: field)
      #expect(isDone == (start + field + 2 <= before.count))
      if !isDone { #expect(bytes == before) }
    }
  }
}
