/// A configuration that was read, and where in its file each field stands.
public struct ConfigurationFile: Sendable {
  public var configuration: Configuration
  /// As the caller named it.
  public let name: String
  private let places: FieldPlaces

  /// ``Configuration/load(path:)`` with places.
  public static func load(path: String) throws(ConfigError) -> ConfigurationFile {
    let bytes = try TextFile.read(path, limit: TextFile.largestDocument)
    var problems = ProblemList(file: path)
    guard let text = TextFile.decode(bytes[...], problems: &problems) else { throw problems.error }
    return try ConfigurationFile(text, name: path)
  }

  /// ``Configuration/parse(_:file:)`` with places.
  public init(_ text: String, name: String) throws(ConfigError) {
    (configuration, places) = try Configuration.read(text, file: name)
    self.name = name
  }

  /// Something that is wrong with a field, whatever the file's own rules say: `ports[1].interface`.
  public func problem(_ path: String, _ message: String) -> ConfigError.Problem {
    let place = places[path]
    return ConfigError.Problem(
      file: name, line: place?.line, column: place?.column, path: path, message: message)
  }
}
