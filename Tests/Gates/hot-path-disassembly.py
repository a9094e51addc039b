#!/usr/bin/env python3
"""Refuses hot functions whose machine code counts references, allocates, locks or checks exclusivity.

    hot-path-disassembly.py BINARY @hot-path.args
    hot-path-disassembly.py BINARY --function 'Worker\\.forward' --function 'FlowTable\\.find.*' [--follow 2]

Each REGEX is searched in the demangled names of the functions of BINARY (which must not be stripped) and must
match at least one; every match is checked, metadata accessors and witnesses aside. The compiler's own pieces
("merged", "outlined", cold parts) that a function calls are checked with it, and with --follow N so is every
local function to N calls deep. A function of --per-burst runs once a burst: only its loops are checked.
One of --cold runs for few packets: copies and uniqueness checks are no offence in it.
@FILE stands for the arguments in FILE, one a line; # begins a comment.
Exit status: 0 clean, 1 refused, 2 bad usage.
"""

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

FORBIDDEN = re.compile(
    r"_*swift_("
    r"(nonatomic_)?(retain|release|tryRetain|unknownObject|bridgeObject|weak|unowned|allocObject|allocBox"
    r"|slowAlloc|slowDealloc|dealloc|beginAccess|endAccess|once|isUniquelyReferenced|getGenericMetadata"
    r"|getWitnessTable|getAssociated|conformsToProtocol|dynamicCast|allocError|arrayInit|initStackObject"
    r"|task_|stdlib_isStackAllocationSafe)"
    r")\w*"
    r"|(malloc|calloc|realloc|free|posix_memalign|aligned_alloc|pthread_mutex_\w+|pthread_rwlock_\w+)$")
COPIES = re.compile(r"(memcpy|memmove|memset|__mem(cpy|move|set)_chk)$")
# What rarely called functions may do: it costs, but neither counts references nor allocates.
TOLERATED_IN_COLD = re.compile(r"_*swift_isUniquelyReferenced\w*$")
NOT_FUNCTIONS = re.compile(
    r"^default argument |\b(witness|metadata|accessor|descriptor|initializer)\b.* (for|in) ")
COMPILERS_OWN = re.compile(r"^(merged|outlined) |\.cold(\.\d+)?$|^_?OUTLINED_FUNCTION_")
# "  4005d0:  call   400480 <swift_retain@plt>", also by way of "*0x2fe2(%rip)  # 403ff0 <swift_retain@Base>".
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(?:(?:lock|rep\w*|bnd|notrack|cs|data16)\s+)*(\S+)\s*(.*)$")
TARGET = re.compile(r"<([^>]+)>\s*$")


@dataclass
class Function:
    """A symbol of the binary."""

    address: int
    size: int
    symbol: str
    name: str


@dataclass
class Code:
    """What the disassembly of one function shows."""

    instructions: int = 0
    calls: list = field(default_factory=list)
    # The same by address, to tell which lie in a loop; loops are (first, last) addresses.
    places: list = field(default_factory=list)
    loops: list = field(default_factory=list)
    indirect: int = 0
    traps: int = 0

    def calls_in_loops(self):
        """The calls that lie between the target of a backward jump and that jump."""
        return [symbol for address, symbol in self.places
                if any(first <= address <= last for first, last in self.loops)]


def main():
    """Checks every function asked for and prints one line each."""
    options = _options()
    functions = _functions(options)
    by_symbol = {function.symbol: function for function in functions}
    problems, chosen = [], {}
    for pattern in options.function + options.per_burst + options.cold:
        found = [each for each in functions
                 if re.search(pattern, each.name) and not NOT_FUNCTIONS.search(each.name)]
        if not found:
            problems.append(f"no function matches {pattern!r}: renamed, inlined away, or a stripped binary")
        chosen.update((each.symbol, each) for each in found)
    reader = _Reader(options, by_symbol)
    print(f"{'instructions':>12} {'calls':>6} {'indirect':>8} {'traps':>6}  function")
    total = 0
    for function in sorted(chosen.values(), key=lambda each: each.name):
        code = reader.code(function)
        print(f"{code.instructions:12} {len(code.calls):6} {code.indirect:8} {code.traps:6}  {function.name}")
        if code.instructions < options.min_instructions:
            problems.append(f"{function.name}: only {code.instructions} instructions: not the real function?")
        total += code.instructions
        is_per_burst = any(re.search(pattern, function.name) for pattern in options.per_burst)
        problems += reader.offences(function, options.follow, only_loops=is_per_burst)
    for problem in dict.fromkeys(problems):
        print(f"error: {problem}", file=sys.stderr)
    if not problems:
        print(f"{len(chosen)} hot functions of {total} instructions: no reference counting, allocation, "
              "exclusivity check, once or copy in them")
    return 1 if problems else 0


def _options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, fromfile_prefix_chars="@")
    parser.convert_arg_line_to_args = _arguments_of_line
    parser.add_argument("binary")
    parser.add_argument("--per-burst", action="append", default=[], metavar="REGEX",
                        help="functions that run once a burst: only calls in their loops are refused")
    parser.add_argument("--cold", action="append", default=[], metavar="REGEX",
                        help="functions for few packets: copies and uniqueness checks are no offence")
    parser.add_argument("--function", action="append", required=True, metavar="REGEX",
                        help="functions to check, by demangled name; may be given again")
    parser.add_argument("--min-instructions", type=int, default=20, metavar="N",
                        help="a function shorter than this is an error (default 20)")
    parser.add_argument("--follow", type=int, default=0, metavar="N",
                        help="check local functions that are called, to this depth (default 0)")
    parser.add_argument("--allow", action="append", default=[], metavar="REGEX",
                        help="called functions that are no offence, by demangled name")
    parser.add_argument("--allow-memcpy", action="store_true", help="allow memcpy, memmove and memset")
    options = parser.parse_args()
    for tool in ("nm", "objdump", "swift"):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is not installed")
    return options


def _arguments_of_line(line):
    """"--option value" of an argument file; the value is all that follows the first space."""
    line = line.strip()
    return [] if line.startswith("#") else line.split(maxsplit=1)


def _functions(options):
    """All functions of the binary that have code and a size, with demangled names."""
    listed = subprocess.run(["nm", "-S", "--defined-only", options.binary], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if listed.returncode != 0:
        sys.exit(f"{options.binary}: {listed.stderr.strip()}")
    lines = [line.split() for line in listed.stdout.splitlines()]
    code = [each for each in lines if len(each) == 4 and each[2] in "tTwW"]
    symbols = [each[3] for each in code]
    demangled = subprocess.run(["swift", "demangle", "--compact"], input="\n".join(symbols), text=True,
                               stdout=subprocess.PIPE, check=True).stdout.splitlines()
    if len(demangled) != len(symbols):
        sys.exit("swift demangle gave another number of names than it was given")
    return [Function(int(address, 16), int(size, 16), symbol, name)
            for (address, size, _, symbol), name in zip(code, demangled)]


class _Reader:
    """Disassembles functions, each once."""

    def __init__(self, options, by_symbol):
        self._options = options
        self._by_symbol = by_symbol
        self._known = {}

    def code(self, function):
        """The counted disassembly of `function`."""
        if function.symbol not in self._known:
            self._known[function.symbol] = self._disassemble(function)
        return self._known[function.symbol]

    def offences(self, function, depth, only_loops=False):
        """Sentences about every forbidden call in `function`, in the compiler's pieces of it, and deeper."""
        found, seen = [], set()
        chosen = self.code(function).calls_in_loops() if only_loops else self.code(function).calls
        waiting = [(function, depth, function.name)]
        while waiting:
            current, left, path = waiting.pop()
            if current.symbol in seen:
                continue
            seen.add(current.symbol)
            for symbol in chosen if current is function else self.code(current).calls:
                target = self._by_symbol.get(symbol)
                name = target.name if target else symbol
                if self._is_forbidden(symbol, current.name) and not self._is_allowed(name):
                    found.append(f"{path}: calls {name}")
                elif target and not self._is_allowed(name):
                    if COMPILERS_OWN.search(name):
                        waiting.append((target, left, f"{path} > {name}"))
                    elif left > 0:
                        waiting.append((target, left - 1, f"{path} > {name}"))
        return found

    def _is_forbidden(self, symbol, caller):
        if any(re.search(pattern, caller) for pattern in self._options.cold):
            return FORBIDDEN.match(symbol) is not None and not TOLERATED_IN_COLD.match(symbol)
        if FORBIDDEN.match(symbol):
            return True
        return not self._options.allow_memcpy and COPIES.match(symbol) is not None

    def _is_allowed(self, name):
        return any(re.search(pattern, name) for pattern in self._options.allow)

    def _disassemble(self, function):
        # By address, not --disassemble=SYMBOL: that finds nothing where two symbols share an address.
        text = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", f"--start-address={function.address:#x}",
             f"--stop-address={function.address + function.size:#x}", self._options.binary],
            text=True, stdout=subprocess.PIPE, check=True).stdout
        inside = range(function.address, function.address + function.size)
        code = Code()
        for line in text.splitlines():
            matched = INSTRUCTION.match(line)
            if matched:
                _count(code, int(matched[1], 16), matched[2], matched[3], inside)
        return code


def _count(code, place, mnemonic, operands, inside):
    code.instructions += 1
    if mnemonic in ("ud2", "brk"):
        code.traps += 1
    is_call = mnemonic.startswith("call") or mnemonic in ("bl", "blr")
    is_jump = mnemonic.startswith("j") or mnemonic in ("b", "br") or mnemonic.startswith("b.")
    target = TARGET.search(operands)
    symbol = re.sub(r"(@.*|[+-]0x[0-9a-f]+)$", "", target[1]) if target else None
    if is_call and symbol is None:
        code.indirect += 1
    elif is_call or (is_jump and symbol and _inner_target(operands, inside) is None):
        # A jump out of the function is a call in tail position.
        code.calls.append(symbol)
        code.places.append((place, symbol))
    elif is_jump and (target := _inner_target(operands, inside)) is not None and target <= place:
        code.loops.append((target, place))
    elif symbol and FORBIDDEN.match(symbol) and not is_jump:
        # Its address is taken, to be called by way of a register or a merged function.
        code.calls.append(symbol)
        code.places.append((place, symbol))


def _inner_target(operands, inside):
    """The address that a jump goes to when it lies in the function."""
    address = re.match(r"([0-9a-f]+)\b", operands)
    return int(address[1], 16) if address is not None and int(address[1], 16) in inside else None


if __name__ == "__main__":
    sys.exit(main())
