import Dataplane

/// What a traced packet is, by the demux that workers use.
struct JourneyPacket {
  let description: String
  /// Addresses, ports and the like, by name.
  let details: [(name: String, value: String)]
  /// Set when it could not be parsed.
  let malformed: DropReason?
  let isFragment: Bool
  let isFirstFragment: Bool

  init(_ bytes: [UInt8], _ pass: TracedPass?) {
    let link = pass?.link ?? .other
    let length = pass?.originalLength ?? 0
    // SAFETY: an array's bytes are initialised.
    let span = unsafe bytes.span.bytes
    description = Frame.describe(span, link: link, originalLength: length)
    do throws(DropReason) {
      let frame = try Frame.parse(span, link: link, originalLength: length)
      details = frame.details(span)
      isFragment = frame.isFirstFragment || frame.isLaterFragment
      isFirstFragment = frame.isFirstFragment
      malformed = nil
    } catch {
      details = [("dropReason", error.name)]
      isFragment = false
      isFirstFragment = false
      malformed = error
    }
  }
}

extension Frame {
  fileprivate func details(_ bytes: RawSpan) -> [(name: String, value: String)] {
    var details: [(name: String, value: String)] = [("kind", "\(kind)")]
    if tagCount > 0 { details += [("tags", "\(tagCount)"), ("vlan", "\(vlan)")] }
    if etherType != 0 { details.append(("etherType", "0x" + hexadecimal(UInt64(etherType), digits: 4))) }
    if isSnapped { details.append(("snapped", "true")) }
    guard family != 0 else { return details }
    details += [("family", "\(family)"), ("protocol", "\(ipProtocol)")]
    guard kind != .cutBeforePorts else { return details }
    details += [("source", "\(source(in: bytes))"), ("destination", "\(destination(in: bytes))")]
    if hasPorts {
      let ports = ports(in: bytes)
      details += [("sourcePort", "\(ports.source)"), ("destinationPort", "\(ports.destination)")]
    }
    if tcpFieldsCaptured { details.append(("flags", "\(tcp(in: bytes).flags)")) }
    if isFirstFragment || isLaterFragment {
      details.append(("fragmentID", "\(fragment(in: bytes, originalLength: 0).identification)"))
      details.append(("fragment", isFirstFragment ? "first" : "later"))
    }
    return details
  }
}

/// Digits of a number, at least so many.
func hexadecimal(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(digits - text.count, 0)) + text
}
