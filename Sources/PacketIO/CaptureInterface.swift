package import Dataplane

/// What the packets of one interface of a capture have in common. A classic capture has one.
package struct CaptureInterface: Equatable, Sendable {
  /// The LINKTYPE_ number.
  package var linkNumber: UInt16
  /// The most bytes kept of a packet.
  package var snapLength: UInt32
  /// Bytes of frame check sequence at the end of each packet: not counted.
  package var checkSequenceLength: UInt32
  package var resolution: TimestampResolution
  /// Whether it was described in the other byte order than this machine's.
  package var isSwapped = false

  /// How packets start, `.other` when we do not read that link.
  package var link: LinkType { LinkType(linkNumber: linkNumber) }
}

extension LinkType {
  /// The link of a LINKTYPE_ number, `.other` when we do not read it.
  package init(linkNumber: UInt16) {
    self =
      switch linkNumber {
      case 0: .bsdNull
      case 1: .ethernet
      // DLT_RAW has these numbers on different systems; LINKTYPE_RAW, _IPV4, _IPV6.
      case 12, 14, 101, 228, 229: .rawIP
      case 108: .bsdLoop
      case 113: .linuxCooked
      case 276: .linuxCooked2
      default: .other
      }
  }
}
