import Config
import Dataplane

/// The lines a configuration text is refused with; none if it is accepted. The file is called `x.yaml`.
func refusals(_ text: String) -> [String] {
  do throws(ConfigError) {
    _ = try Configuration.parse(text, file: "x.yaml")
    return []
  } catch {
    return error.description.split(separator: "\n").map(String.init)
  }
}

/// The lines a sessions file is refused with; none if it is accepted. The file is called `s.yaml`.
func sessionRefusals(
  _ text: String, knownLIFs: Set<UInt16>? = nil, besides existing: [SessionRequest] = []
) -> [String] {
  do throws(ConfigError) {
    _ = try SessionsFile.parse(text, file: "s.yaml", knownLIFs: knownLIFs, besides: existing)
    return []
  } catch {
    return error.description.split(separator: "\n").map(String.init)
  }
}

/// One session entry with fields changed or, by nil, left out.
func entry(_ changes: KeyValuePairs<String, String?> = [:]) -> String {
  var fields: [(String, String?)] = [
    ("sourceip", "10.0.0.1"), ("sourceport", "1234"), ("destinationip", "10.0.0.2"),
    ("destinationport", "80"), ("protocolid", "TCP"), ("action", "FORWARD"),
  ]
  for (key, value) in changes {
    if let index = fields.firstIndex(where: { $0.0 == key }) {
      fields[index].1 = value
    } else {
      fields.append((key, value))
    }
  }
  let texts = fields.compactMap { key, value in value.map { "\(key): \($0)" } }
  return "- { " + texts.joined(separator: ", ") + " }\n"
}

/// The session that `entry(changes)` gives, or nil and a recorded failure.
func session(_ changes: KeyValuePairs<String, String?> = [:]) throws -> SessionRequest? {
  try SessionsFile.parse(entry(changes), file: "s.yaml").first
}
