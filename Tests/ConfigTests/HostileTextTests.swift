import Config
import Foundation
import Testing

@Suite("Files that are not what they should be")
struct HostileTextTests {
  @Test(arguments: [
    (
      "workers: [1\n",
      "x.yaml:2:1: not valid YAML while parsing a flow sequence: did not find expected ',' or ']'"
    ),
    ("a: b: c\n", "x.yaml:1:5: not valid YAML: mapping values are not allowed in this context"),
    (
      "workers: \"1\n",
      "x.yaml:2:1: not valid YAML while scanning a quoted scalar: found unexpected end of stream"
    ),
    (
      "workers: 1\n---\nworkers: 2\n",
      "x.yaml:2:1: a second document (---) starts here; one file holds one document"
    ),
    (
      "\tworkers: 1\n",
      "x.yaml:1:1: not valid YAML while scanning for the next token: "
        + "found character that cannot start any token"
    ),
    ("workers: 1\u{1}\n", "x.yaml:1:11: not valid YAML: control characters are not allowed"),
    ("a: &b 1\n", "x.yaml:1:4: anchors (&) and aliases (*) are not accepted; write the value out"),
    ("a: *b\n", "x.yaml:1:4: anchors (&) and aliases (*) are not accepted; write the value out"),
    ("workers: !!int 1\n", "x.yaml:1:10: tags (!) are not accepted; write the value alone"),
    ("workers: !!str 1\n", "x.yaml:1:10: tags (!) are not accepted; write the value alone"),
  ])
  func `syntax is refused with its place`(text: String, message: String) {
    #expect(refusals(text) == [message])
  }

  @Test func `a billion laughs are refused at once`() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let alias = "*a\(level - 1)"
      text += "a\(level): &a\(level) [\(Array(repeating: alias, count: 9).joined(separator: ", "))]\n"
      text += "? [\(alias), \(alias)]\n: 1\n"
    }
    #expect(refusals(text) == ["x.yaml:1: anchors (&) and aliases (*) are not accepted; write the value out"])
  }

  @Test func `few aliases in deep keys cost little`() {
    var text = "a0: &a0 [x]\n"
    for level in 1...8 { text += "? &a\(level) [*a\(level - 1), *a\(level - 1)]\n: 1\n" }
    #expect(
      refusals(text) == ["x.yaml:1:5: anchors (&) and aliases (*) are not accepted; write the value out"])
  }

  @Test func `ampersands and asterisks in comments are text`() {
    #expect(
      refusals("# R&D, *this* & *that*, " + String(repeating: "*x ", count: 40) + "\nworkers: 1\n").isEmpty)
  }

  @Test(arguments: ["[", "{", "- ", "? ", "a: {", "[{a: "])
  func `deep nesting is refused`(opening: String) {
    let lines = refusals(String(repeating: opening, count: 100_000))
    #expect(lines.count == 1)
    #expect(lines.first?.hasPrefix("x.yaml:1:") == true, "\(lines)")
  }

  @Test func `deep nesting below the limit is refused by type`() {
    let text = "workers: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
    #expect(refusals(text) == ["x.yaml:1:10: workers: a list is not an integer; accepted: 1...64"])
  }

  @Test func `long and odd values are cut and escaped in messages`() {
    let long = refusals("tcp_control: \(String(repeating: "é", count: 5000))").first
    #expect(
      long == "x.yaml:1:14: tcp_control: \"\(String(repeating: "é", count: 60))…\" is not one of track, punt")
    let odd = refusals("tcp_control: \"a\\e[2Jb\\nc\"").first
    #expect(odd == "x.yaml:1:14: tcp_control: \"a\\u{1B}[2Jb\\nc\" is not one of track, punt")
  }

  @Test func `a configuration over 1 MiB is refused`() {
    let text = String(repeating: "# filling\n", count: 200_000)
    #expect(
      refusals(text) == ["x.yaml: is over 1 MiB; accepted: up to 1 MiB, with sessions in a file of their own"]
    )
    withFile(Data(text.utf8)) { path in
      #expect(refusal(of: path) == "\(path): is over 1 MiB; accepted: up to 1 MiB")
    }
  }

  @Test func `missing file, directory and unreadable text are refused`() {
    #expect(
      refusal(of: "/nonexistent/x.yaml")
        == "/nonexistent/x.yaml: no such file; accepted: the path of a YAML file")
    #expect(refusal(of: "/tmp") == "/tmp: is a directory; accepted: the path of a YAML file")
    #expect(refusal(of: "") == "\"\": is not a file name; accepted: the path of a YAML file")
    withFile(Data([0x77, 0x0A, 0x0A, 0xC3, 0x28])) { path in
      #expect(refusal(of: path) == "\(path):3: is not UTF-8 text; save the file as UTF-8")
    }
    withFile(Data([0xFF, 0xFE, 0x77, 0x00])) { path in
      #expect(refusal(of: path) == "\(path):1: is not UTF-8 text; save the file as UTF-8")
    }
  }

  @Test func `an empty file is a configuration`() {
    withFile(Data()) { path in #expect(refusal(of: path) == nil) }
  }

  private func refusal(of path: String) -> String? {
    do throws(ConfigError) {
      _ = try Configuration.load(path: path)
      return nil
    } catch {
      return error.description
    }
  }
}
