import Config
import Dataplane
import Foundation
import Testing

@Suite("Sessions files")
struct SessionsFileTests {
  @Test func `list, mapping and JSON hold the same`() throws {
    let two = [entry(["session_id": "1"]), entry(["session_id": "2", "sourceport": "9"])]
    let list = try SessionsFile.parse(two.joined(), file: "s.yaml")
    #expect(list.map(\.id.rawValue) == [1, 2])
    let block = two.joined()
    let flow = two.map { String($0.dropFirst(2)) }.joined(separator: ",")
    let indented = two.map { "    \($0)" }.joined()
    let forms: [String] = [
      "# head\n---\n\n\(block)", "sessions:\n\(block)", "\u{FEFF}\(block)", "sessions:   # all\n\(indented)",
      indented, "\(two[0])\n# between\n\n\(two[1])", "[\(flow)]", "{ \"sessions\": [\(flow)] }",
      block.replacing("\n", with: "\r\n"), "\(two[0])-\n   \(two[1].dropFirst(2))",
    ]
    for form in forms {
      #expect(try SessionsFile.parse(form, file: "s.yaml") == list, "\(form)")
    }
  }

  @Test func `an entry may span lines as it likes`() throws {
    let text = """
      -
        sourceip: "10.0.0.1"
        sourceport: 1234
        destinationip: 10.0.0.2
        destinationport: 80

      # - not: an entry
        protocolid: TCP
        action:
          actiontype: MIRROR
          actionnexthop: 10.0.0.9
      - {
        sourceip: 10.0.0.1, sourceport: 1, destinationip: 10.0.0.2,
        destinationport: 80, protocolid: TCP, action: DROP
        }
      """
    #expect(try SessionsFile.parse(text, file: "s.yaml").map(\.action) == [.mirror, .drop])
  }

  @Test(arguments: ["[]", "sessions: []", "sessions:", "sessions:\n", "{ sessions: [] }"])
  func `an empty list has to be written`(text: String) {
    #expect(sessionRefusals(text).isEmpty)
  }

  @Test(arguments: [
    ("", "s.yaml: holds no sessions; write [] if none are meant"),
    ("# nothing\n", "s.yaml: holds no sessions; write [] if none are meant"),
    ("hello", "s.yaml:1:1: \"hello\" is not a list of sessions; accepted: one \"- \" entry a line"),
    ("session: []\n", "s.yaml:1:1: sessions: is missing; accepted: a list of sessions"),
    ("sessions: 5\n", "s.yaml:1:11: sessions: \"5\" is not a list; accepted: one \"- \" entry a line, or []"),
    (
      "- 5\n",
      "s.yaml:1:3: sessions[0]: \"5\" is not a mapping; accepted: the keys session_id, inlif, invlan, "
        + "outlif, outvlan, ipversion, sourceip, sourceipv6, sourceport, destinationip, destinationipv6, "
        + "destinationport, protocolid, action, cachetimeout"
    ),
  ])
  func `a file without sessions is refused`(text: String, message: String) {
    #expect(sessionRefusals(text).contains(message), "\(sessionRefusals(text))")
  }

  @Test func `text after the list is refused`() {
    #expect(
      sessionRefusals("sessions:\n  " + entry() + "ports: []\n").first?.hasPrefix("s.yaml:3:1: ") == true)
    #expect(sessionRefusals(entry() + "ports: []\n").first?.hasPrefix("s.yaml:2:1: ") == true)
    #expect(
      sessionRefusals(entry() + "---\n" + entry()).first
        == "s.yaml:2:1: a second document (---) starts here; one file holds one document")
  }

  @Test func `a hundred thousand entries load, in order`() throws {
    let text = Self.block(count: 100_000)
    let start = ContinuousClock.now
    let sessions = try SessionsFile.parse(text, file: "s.yaml")
    print("sessions file of 100000 entries, \(text.utf8.count) bytes: \(ContinuousClock.now - start)")
    #expect(sessions.count == 100_000)
    #expect(sessions.enumerated().allSatisfy { $1.id.rawValue == UInt64($0 + 1) })
  }

  @Test(arguments: [4_711, 99_999])
  func `one bad entry among a hundred thousand is named`(index: Int) {
    let text = Self.block(count: 100_000, badPortAt: index)
    let line = index * Self.linesOfEntry + 3
    #expect(
      sessionRefusals(text) == [
        "s.yaml:\(line):15: sessions[\(index)].sourceport: 123456 is out of range; accepted: 0...65535"
      ])
  }

  @Test func `a syntax error is named and the entries after it are still checked`() {
    var lines = Self.block(count: 1000).split(separator: "\n", omittingEmptySubsequences: false)
    lines[500 * Self.linesOfEntry + 1] = "  sourceip: \"10.0.0.1"
    lines[900 * Self.linesOfEntry + 2] = "  sourceport: x"
    let refused = sessionRefusals(lines.joined(separator: "\n"))
    #expect(refused.count == 2)
    #expect(refused.first?.contains("not valid YAML") == true, "\(refused)")
    #expect(
      refused.last
        == "s.yaml:\(900 * Self.linesOfEntry + 3):15: sessions[900].sourceport: \"x\" is not an integer; "
        + "accepted: 0...65535")
  }

  @Test func `a bad byte is named by its line`() {
    var bytes = Array(Self.block(count: 1000).utf8)
    let place = 20_000
    bytes[place] = 0xFF
    let line = 1 + bytes[..<place].count { $0 == UInt8(ascii: "\n") }
    withFile(Data(bytes)) { path in
      #expect(refusal(ofSessions: path) == "\(path):\(line): is not UTF-8 text; save the file as UTF-8")
    }
  }

  @Test func `one huge entry is refused`() {
    let text = entry() + "- { sourceip: \"" + String(repeating: "x", count: 2 << 20) + "\" }\n"
    #expect(sessionRefusals(text).first?.contains("over 1 MiB") == true)
    let flow = "[ " + String(repeating: "{},", count: 500_000) + "]"
    #expect(
      sessionRefusals(flow) == [
        "s.yaml: is over 1 MiB and not a block list; accepted: one \"- \" line an entry"
      ])
  }

  private func refusal(ofSessions path: String) -> String? {
    do throws(ConfigError) {
      _ = try SessionsFile.load(path: path)
      return nil
    } catch {
      return error.description
    }
  }

  static let linesOfEntry = 8

  /// `count` different sessions with ids from 1, one field a line.
  static func block(count: Int, badPortAt bad: Int? = nil) -> String {
    var text = ""
    for index in 0..<count {
      text += """
        - session_id: \(index + 1)
          sourceip: 10.\(index >> 16 & 255).\(index >> 8 & 255).\(index & 255)
          sourceport: \(index == bad ? 123_456 : 1024 + index % 60000)
          destinationip: 192.0.2.1
          destinationport: 443
          protocolid: TCP
          action: FORWARD
          cachetimeout: 30

        """
    }
    return text
  }
}

/// Calls `body` with the path of a temporary file of `content`.
func withFile(_ content: Data, _ body: (String) throws -> Void) rethrows {
  let path = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).yaml").path
  guard FileManager.default.createFile(atPath: path, contents: content) else {
    Issue.record("cannot write \(path)")
    return
  }
  defer { try? FileManager.default.removeItem(atPath: path) }
  try body(path)
}
