#!/bin/sh
# Bazel's own Python rules would need more than Debian's Bazel has.
exec python3 -B "$(dirname "$0")/structure_test.py"
