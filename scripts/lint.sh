#!/bin/bash
# Checks how the sources are written, beyond what swift format checks: docs/style.md says why.
# Prints FILE:LINE: what is wrong, and exits 1 when anything is.
set -uo pipefail
cd "$(dirname "$0")/.."
found=0

# Files of the repository that are there: tracked and new ones; all, where there is no git.
files() {   # files PATTERN...
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r name; do
      [ -f "$name" ] && echo "$name"
    done
  else
    local pattern
    for pattern in "$@"; do
      find . -path './.build*' -prune -o -type f -path "./$pattern" -print
    done | sed 's|^\./||'
  fi | sort -u
}

complain() {   # complain MESSAGE: for each FILE:LINE on standard input
  local line
  while read -r line; do
    echo "$line: $1"
    found=1
  done
}

# Code of a Swift file as FILE:LINE:TEXT, without comments and string contents.
code() {
  xargs -r awk '
    FNR == 1 { within = 0 }
    {
      text = $0
      if (within) { if (text ~ /"""/) within = 0; next }
      if (text ~ /"""[^"]*$/) { within = 1; sub(/""".*/, "", text) }
      gsub(/"([^"\\]|\\.)*"/, "\"\"", text)
      sub(/\/\/.*/, "", text)
      if (text ~ /[^ ]/) print FILENAME ":" FNR ":" text
    }'
}

match() {   # match REGEX: FILE:LINE of the code lines on standard input whose text matches
  awk -v expression="$1" '{
    text = $0; sub(/^[^:]*:[0-9]*:/, "", text)
    if (text ~ expression) { split($0, part, ":"); print part[1] ":" part[2] }
  }'
}

generated='^Sources/OPIProtos/Generated/'
swift_files() { files '*.swift' | grep -vE "^Package.swift$|$generated"; }
hot_files() { swift_files | grep -E '^Sources/(Dataplane|PacketIO)/'; }

# Size and shape. Test vectors, generated code and what others wrote are exempt.
text_files() {
  files '*.swift' '*.c' '*.h' '*.py' '*.sh' Makefile '.ci/run' | grep -vE "^Tests/Vectors/|$generated"
}
complain "more than 400 lines" < <(
  text_files | xargs -r wc -l | awk '$2 != "total" && $1 > 400 { print $2 ":" $1 }')
complain "more than 110 columns" < <(
  text_files | LC_ALL=C.UTF-8 xargs -r grep -nE '^.{111}' /dev/null | cut -d : -f 1,2)
complain "a name that says nothing: what is in it?" < <(
  files '*' |
    grep -E '(^|/)[A-Za-z]*([Uu]tils?|[Uu]tilities|[Hh]elpers?|Manager|Misc|Common)(\.[a-z]+)?(/|$)' |
    sed 's/$/:1/')

# Words that must not be there.
complain "an issue with a number is wanted in its place" < <(
  text_files | grep -v '^scripts/lint.sh$' | xargs -r grep -nE '\b(TODO|FIXME|XXX)\b' | cut -d : -f 1,2)
complain "try!, as! and fatalError() without text crash without a reason" < <(
  swift_files | code | match '(^|[^A-Za-z])(try!|as!|fatalError\(\))')
complain "a path of somebody's machine" < <(
  text_files | grep -v '^scripts/lint.sh$' | cat - <(files '*.md' '*.yaml' '*.json') |
    xargs -r grep -nE '(^|[^A-Za-z0-9_.$}/-])/(home|Users|work|opt)/[a-z]' | cut -d : -f 1,2)

# Imports and constructs of the packet path.
complain "the packet path imports neither Foundation nor servers' libraries" < <(
  hot_files | code |
    match '^ *(public |package |internal |@preconcurrency )*import (Foundation|NIO|Logging|Dispatch)')
complain "no async, existential, lock or print on the packet path" < <(
  hot_files | grep '^Sources/Dataplane/' | code |
    match '(^|[^A-Za-z_.])(async|await|any [A-Z]|Mutex|print\()')
complain "clock and randomness are arguments" < <(
  hot_files | grep '^Sources/Dataplane/' | code |
    match '(ContinuousClock|SuspendingClock|Date\(|SystemRandomNumberGenerator|clock_gettime)')

# The unsafe fence: strict memory safety makes every unsafe use say so, these files may.
fence='^(CSupport|Sources/PacketIO|Tests|Bench)/'
fence+='|^Sources/Dataplane/(Packet|Worker)/'
fence+='|^Sources/Dataplane/Session/(FlowTableMemory|SessionIDIndex|SessionPolicyTable)\.swift$'
fence+='|^Sources/Dataplane/Session/(EndedSessions|FlowFastPath|HeldFragments|SessionLine)\.swift$'
# A shard's file, as bytes and mapped.
fence+='|^Sources/Dataplane/Session/(ShardHeader|ShardMapping|ShardMarks|StoredSession)\.swift$'
fence+='|^Sources/Dataplane/Wire/ByteOrder\.swift$'
# C strings, signals and sockets of start-up, not on the packet path.
fence+='|^Sources/(Gateway|sluice|Config|ControlAPI/Server)/'
# The bytes of a gRPC message, lent for one closure.
fence+='|^Sources/ControlAPI/Sessions/SessionRequestDeserializer\.swift$'
complain "unsafe outside the fence" < <(
  swift_files | grep -vE "$fence" | code | match '(^|[^A-Za-z_@])unsafe([^A-Za-z_]|$)')
complain "@unchecked Sendable without a SAFETY line after it" < <(
  swift_files | xargs -r awk '
    FNR == 1 { if (waiting) print last; waiting = 0 }
    waiting && /SAFETY/ { waiting = 0 }
    waiting && FNR > at + 3 { print last; waiting = 0 }
    /@unchecked Sendable/ && !/^ *\/\// { waiting = 1; at = FNR; last = FILENAME ":" FNR }
    END { if (waiting) print last }')

[ "$found" -eq 0 ] && echo "no complaints"
exit "$found"
