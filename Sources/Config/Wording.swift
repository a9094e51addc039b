/// `text` for a message: in quotes, control characters escaped, cut after 60 characters.
func quoted(_ text: String) -> String {
  let shown = text.count > 60 ? text.prefix(60) + "…" : text[...]
  return String(shown).debugDescription
}

/// The accepted word that `word` most likely was meant to be, or nil if none is near.
func nearest(to word: String, among accepted: [String]) -> String? {
  guard word.utf8.count <= 64 else { return nil }
  let ranked = accepted.map { (distance: editDistance(word.lowercased(), $0), word: $0) }
  guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
  return best.distance <= max(2, best.word.count / 3) && best.distance < best.word.count ? best.word : nil
}

/// Levenshtein distance in bytes.
private func editDistance(_ left: String, _ right: String) -> Int {
  let right = Array(right.utf8)
  var row = Array(0...right.count)
  for (index, byte) in left.utf8.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in right.indices {
      let substituted = diagonal + (byte == right[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(substituted, row[column] + 1, row[column + 1] + 1)
    }
  }
  return row[right.count]
}
