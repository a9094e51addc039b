/// Something that happened to a session, as its worker reports it.
public struct SessionEvent: Equatable, Sendable, BitwiseCopyable {
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// Added or learned; reported where `SessionInterest.openings` asks for it.
    case opened
    /// Changed in place or taken over; reported like `opened`.
    case changed
    /// Closed by FIN or RST. It lingers: late packets still count, and `forgotten` follows under the same
    /// record. Reported where `SessionInterest.closings` asks for it.
    case closed
    /// The last of a session that lingered, late packets included.
    case forgotten
    /// The last of a session that ended at once: timed out, deleted, or replaced by a new connection.
    case ended
    /// Not over: the worker has come to its end.
    case live
  }

  public var kind: Kind
  /// The worker's record: it says which `forgotten` belongs to which `closed`.
  public var record: UInt32
  public var session: SessionSnapshot

  package init(_ kind: Kind, record: UInt32, _ session: SessionSnapshot) {
    self.kind = kind
    self.record = record
    self.session = session
  }
}

/// What is reported beside the ends of sessions.
public struct SessionInterest: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// `closed`, at the moment when it is detected.
  public static let closings = SessionInterest(rawValue: 1)
  /// `opened` and `changed`.
  public static let openings = SessionInterest(rawValue: 2)
}
