internal import Dataplane
internal import Yams

extension CopyEncapsulation {
  /// Reads the `copies` mapping; `.ethernet` if it is empty or wrong.
  init(_ node: Node, _ path: FieldPath, problems: inout ProblemList) {
    self = .ethernet
    if case .scalar(let scalar) = node, scalar.isNull { return }
    let keys = ["encapsulation", "source", "source_ipv6"]
    guard let fields = MappingReader(node, path, keys: keys, problems: &problems) else { return }
    let encapsulations = [("ethernet", false), ("gre", true)]
    let isGRE = fields.choice("encapsulation", among: encapsulations, &problems)
    let source = fields.address("source", family: .ipv4, &problems)
    let sourceIPv6 = fields.address("source_ipv6", family: .ipv6, &problems)
    let sources = ["source", "source_ipv6"].filter(fields.has)
    if isGRE == true {
      if sources.isEmpty {
        fields.refuse(
          "encapsulation",
          "gre needs the address its packets come from; add source (IPv4), source_ipv6 or both",
          &problems)
      }
      self = .gre(sourceIPv4: source, sourceIPv6: sourceIPv6)
    } else if isGRE == false || !fields.has("encapsulation") {
      for key in sources {
        fields.refuse(key, "is for GRE only; add encapsulation: gre or remove it", &problems)
      }
    }
  }
}
