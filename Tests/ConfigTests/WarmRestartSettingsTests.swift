import Config
import Testing

@Suite("Where sessions outlive the daemon")
struct WarmRestartSettingsTests {
  private func settings(_ text: String) throws -> WarmRestartSettings? {
    try Configuration.parse(text, file: "x.yaml").warmRestart
  }

  @Test func `nowhere, unless a directory is named`() throws {
    #expect(try settings("") == nil && settings("warm_restart:") == nil)
    #expect(try settings("warm_restart: { directory: /run/s }") == WarmRestartSettings(directory: "/run/s"))
  }

  @Test(arguments: ["{}", "{ directory: state }", "{ directory: 7 }", "{ directory: }", "{ directory: '' }"])
  func `other directories are refused with their place`(_ value: String) {
    let refused = refusals("capacity: 10\nwarm_restart: \(value)")
    #expect(refused.count == 1 && refused[0].hasPrefix("x.yaml:2:"))
    #expect(refused.first?.contains("warm_restart.directory") == true)
    #expect(refused.first?.contains("accepted: the absolute path of a directory on a tmpfs") == true)
  }

  @Test func `an unknown key is refused`() {
    #expect(refusals("warm_restart: { directory: /run/s, size: 1 }").count == 1)
  }
}
