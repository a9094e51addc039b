#!/bin/bash
# Builds the fuzzer with coverage and AddressSanitizer, then runs its targets, two at a time.
#
#   scripts/fuzz.sh SECONDS [TARGET...]
#
# Begins with Tests/Fuzz/Corpus and Crashes; new inputs that reach new code stay in .build-fuzz/corpus. An
# input that fails is left in .build-fuzz/findings, and named. docs/testing.md says what to do with it.
set -uo pipefail
cd "$(dirname "$0")/.."
export SLUICE_CORE=1 SLUICE_FUZZ=1
export SWIFT_BACKTRACE=enable=no
# Leaks are not looked for: Swift's runtime keeps what it makes once.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
[ -d /dev/shm ] && export TMPDIR=/dev/shm

if [ $# -lt 1 ]; then
  echo "usage: scripts/fuzz.sh SECONDS [TARGET...]" >&2
  exit 2
fi
seconds=$1
shift
targets=("$@")
[ ${#targets[@]} -eq 0 ] && targets=(frames worker captures configuration sessions)

# Debian's gold fails on the section of coverage counters; the toolchain's own linker does not.
swift build -c release --product fuzz --scratch-path .build-fuzz --sanitize address \
  -Xswiftc -sanitize=fuzzer -Xswiftc -use-ld=lld -Xswiftc -gline-tables-only \
  -Xcc -fsanitize=fuzzer-no-link || exit 1
build=$(pwd)/.build-fuzz
mkdir -p "$build/findings"

fuzz() {   # fuzz TARGET: status 0 when nothing was found
  local target=$1 dictionary=packets length=16384
  case $target in configuration | sessions) dictionary=yaml length=8192 ;; frames) length=2048 ;; esac
  local seeds=(Tests/Fuzz/Corpus/"$target")
  [ -d "Tests/Fuzz/Crashes/$target" ] && seeds+=("Tests/Fuzz/Crashes/$target")
  mkdir -p "$build/corpus/$target"
  "$build/release/fuzz" "$target" -max_total_time="$seconds" -max_len=$length -timeout=20 \
    -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 \
    -dict=Tests/Fuzz/Dictionaries/$dictionary.dict -artifact_prefix="$build/findings/$target-" \
    "$build/corpus/$target" "${seeds[@]}" >"$build/$target.log" 2>&1 </dev/null
}

failed=0
total=0
for ((first = 0; first < ${#targets[@]}; first += 2)); do
  running=()
  for target in "${targets[@]:first:2}"; do
    fuzz "$target" &
    running+=("$target:$!")
  done
  for entry in "${running[@]}"; do
    target=${entry%:*}
    wait "${entry#*:}"
    status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
    echo "$target: ${runs:-0} inputs"
    total=$((total + ${runs:-0}))
    if [ "$status" -ne 0 ]; then
      failed=1
      echo "error: $target failed: $(grep -oE "$build/findings/[^ ]*" "$build/$target.log" | tail -n 1)"
      tail -n 40 "$build/$target.log"
    fi
  done
done
echo "${#targets[@]} targets, $total inputs in all"
exit "$failed"
