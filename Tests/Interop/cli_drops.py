"""docs/drops.md beside the code: every drop reason, its sentence, their order."""

import os
import re

from command_line import CONFIG, DEMO, ROOT, SESSIONS

WIRE = os.path.join(ROOT, "Sources", "Dataplane", "Wire")
PAGE = os.path.join(ROOT, "docs", "drops.md")


def drop_reasons(line):
    """The page has the reasons of the code, and those that a replay prints are on it, with that sentence."""
    documented = re.findall(r"^\| `(\w+)` \| (.+) \|$", _read(PAGE), re.MULTILINE)
    names = re.findall(r"^  case (\w+)$", _read(os.path.join(WIRE, "DropReason.swift")), re.MULTILINE)
    sentences = _sentences()
    line.expect("drop reasons", len(names) > 50 and set(names) == sentences.keys(),
                f"the code cannot be read any more: {set(names) ^ sentences.keys()}")
    line.expect("drop reasons", [name for name, _ in documented] == names,
                f"docs/drops.md has other reasons, or in another order: {_difference(documented, names)}")
    for name, sentence in documented:
        line.expect(name, sentences.get(name) == sentence,
                    f"docs/drops.md says {sentence!r}, the code {sentences.get(name)!r}")
    printed = line.run("demo", "replay", DEMO, "--sessions", SESSIONS, "--config", CONFIG, output=["^drops$"])
    for row in re.search(r"^drops$\n((?: .*\n)+)", printed, re.MULTILINE)[1].splitlines():
        name, _, sentence = row.split(maxsplit=2)
        line.expect(name, (name, sentence) in documented,
                    f"printed with {sentence!r}, and not in docs/drops.md")


def _sentences():
    """By name, as the code has them; numbers in them are constants of other files."""
    text = _read(os.path.join(WIRE, "DropReason+Text.swift")).partition("var sentence")[2]
    found = dict(re.findall(r'case \.(\w+):\s+"([^"]*)"', text))

    def number(place):
        source = _read(os.path.join(WIRE, f"{place[1]}.swift"))
        return re.search(rf"static let {place[2]} = (\d+)$", source, re.MULTILINE)[1]
    return {name: re.sub(r"\\\((\w+)\.(\w+)\)", number, sentence) for name, sentence in found.items()}


def _difference(documented, names):
    """What is on one side only; else the first that is out of order."""
    rows = [name for name, _ in documented]
    return sorted(set(rows) ^ set(names)) or next(
        (pair for pair in zip(rows, names) if pair[0] != pair[1]), "one twice")


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()
