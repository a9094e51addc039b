internal import Foundation
internal import OPIProtos
internal import SwiftProtobuf

/// The .proto files that this program is made of, by name and by what they define.
struct DescriptorIndex: Sendable {
  /// Serialised `google.protobuf.FileDescriptorProto`s by file name.
  private var files: [String: Data] = [:]
  private var dependencies: [String: [String]] = [:]
  /// File names by fully qualified names of messages, fields, enums, their values, services and methods.
  private var definitions: [String: String] = [:]
  private var messages: Set<String> = []

  /// Parsed when somebody asks first.
  static let shared = DescriptorIndex(base64: DescriptorSet.base64.description)

  /// - Parameter base64: a `google.protobuf.FileDescriptorSet`, generated with this program.
  init(base64: String) {
    guard let data = Data(base64Encoded: base64),
      let set = try? Google_Protobuf_FileDescriptorSet(serializedBytes: data)
    else { preconditionFailure("the generated descriptor set should be one") }
    for file in set.file { add(file) }
  }

  /// A file and all that it imports, each after those that it needs; nil when there is no such file.
  func file(named name: String) -> [Data]? {
    guard files[name] != nil else { return nil }
    var order: [String] = []
    visit(name, &order)
    return order.compactMap { files[$0] }
  }

  /// The file that defines a name, and all that it imports.
  func file(defining symbol: String) -> [Data]? {
    definitions[symbol].flatMap { file(named: $0) }
  }

  func isMessage(_ name: String) -> Bool { messages.contains(name) }

  private func visit(_ name: String, _ order: inout [String]) {
    guard !order.contains(name) else { return }
    for dependency in dependencies[name] ?? [] { visit(dependency, &order) }
    order.append(name)
  }

  private mutating func add(_ file: Google_Protobuf_FileDescriptorProto) {
    guard let bytes: Data = try? file.serializedBytes() else { return }
    files[file.name] = bytes
    dependencies[file.name] = file.dependency
    let prefix = file.package.isEmpty ? "" : file.package + "."
    for message in file.messageType { add(message, prefix, file.name) }
    for kind in file.enumType { add(kind, prefix, file.name) }
    for service in file.service {
      definitions[prefix + service.name] = file.name
      for method in service.method { definitions["\(prefix)\(service.name).\(method.name)"] = file.name }
    }
  }

  private mutating func add(_ message: Google_Protobuf_DescriptorProto, _ prefix: String, _ file: String) {
    let name = prefix + message.name
    definitions[name] = file
    messages.insert(name)
    for field in message.field { definitions["\(name).\(field.name)"] = file }
    for union in message.oneofDecl { definitions["\(name).\(union.name)"] = file }
    for nested in message.nestedType { add(nested, name + ".", file) }
    for kind in message.enumType { add(kind, name + ".", file) }
  }

  /// Values of an enum are named beside it, not in it.
  private mutating func add(_ kind: Google_Protobuf_EnumDescriptorProto, _ prefix: String, _ file: String) {
    definitions[prefix + kind.name] = file
    for value in kind.value { definitions[prefix + value.name] = file }
  }
}
