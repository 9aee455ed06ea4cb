#!/bin/sh
# Makes Python classes of the protocol: generate.sh [FOLDER], default ./stubs.
# Needs protoc and grpc_python_plugin (Debian: protobuf-compiler,
# protobuf-compiler-grpc); `python3 -m grpc_tools.protoc` of pip's grpcio-tools
# takes the same arguments.
set -eu
here=$(dirname "$(readlink -f "$0")")
protos=$here/../../protos
out=${1:-$here/stubs}
mkdir -p "$out"
protoc -I "$protos" --python_out="$out" --grpc_out="$out" \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" \
  "$protos"/anabranch/v1/*.proto "$protos"/google/rpc/*.proto
