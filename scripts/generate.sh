#!/bin/bash
# Writes Sources/OPIProtos/Generated anew from Sources/OPIProtos/protos: messages, clients and servers, and
# the descriptors that reflection serves.
#
#   scripts/generate.sh [--check | --check-descriptors]
#
# --check writes nothing and exits 1, naming the files, when what is there is not what would be written;
# --check-descriptors looks at the descriptors alone, in a moment: they tell when a .proto file has changed.
# Needs Debian's protobuf-compiler and libprotobuf-dev (google/protobuf/*.proto). The plugins are built here,
# from the packages that Package.swift names.
set -euo pipefail
cd "$(dirname "$0")/.."
protos=Sources/OPIProtos/protos
generated=Sources/OPIProtos/Generated
scratch=$(pwd)/.build-generate

if ! command -v protoc >/dev/null; then
  echo "generate: no protoc in PATH: apt-get install protobuf-compiler libprotobuf-dev" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/Generated"
readarray -t files < <(cd $protos && find . -name '*.proto' | sed 's|^\./||' | LC_ALL=C sort)

protoc -I $protos --include_imports --descriptor_set_out="$work/descriptors" "${files[@]}"
{
  cat <<TEXT
// swift-format-ignore-file

/// Every .proto file of this target, and what they import: a google.protobuf.FileDescriptorSet, in Base64.
/// Written by scripts/generate.sh, as everything in this folder.
public enum DescriptorSet {
  public static let base64: StaticString = """
TEXT
  base64 --wrap 100 "$work/descriptors" | sed 's|^|    |; $!s|$|\\|'
  printf '    """\n}\n'
} >"$work/Generated/DescriptorSet.swift"

complain() {
  echo "generate: $generated is not what 'make generate' writes" >&2
  exit 1
}

if [ "${1:-}" = --check-descriptors ]; then
  cmp "$work/Generated/DescriptorSet.swift" $generated/DescriptorSet.swift || complain
  echo "${#files[@]} .proto files, the descriptors are up to date"
  exit 0
fi

for plugin in protoc-gen-swift protoc-gen-grpc-swift-2; do
  swift build --scratch-path "$scratch" --product $plugin
done
protoc -I $protos \
  --plugin="$scratch/debug/protoc-gen-swift" --plugin="$scratch/debug/protoc-gen-grpc-swift-2" \
  --swift_opt=Visibility=Public,FileNaming=PathToUnderscores --swift_out="$work/Generated" \
  --grpc-swift-2_opt=Visibility=Public,FileNaming=PathToUnderscores,Client=true,Server=true \
  --grpc-swift-2_out="$work/Generated" "${files[@]}"

if [ "${1:-}" = --check ]; then
  diff --recursive --brief "$work/Generated" $generated || complain
  echo "${#files[@]} .proto files, generated code is up to date"
  exit 0
fi
rm -rf $generated
mv "$work/Generated" $generated
echo "wrote $generated"
