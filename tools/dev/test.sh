# ./dev test [--san | --tsan] [TARGET…] [BAZEL FLAG…]

# bazel_tests LOG ARGUMENT…: Bazel's own output, on stdout and in LOG.
bazel_tests() {
  local log=$1
  shift
  bazel test $(progress_flags) --keep_going "${BAZEL_FLAGS[@]}" "$@" 2>&1 | tee "$log"
  return "${PIPESTATUS[0]}"
}

# count_of LOG RC: prints "PASSED FAILED". A target that did not build or timed
# out runs no test case, so Bazel's word counts as at least one failure.
count_of() {
  local counts passed failed
  counts=$(sed -nE 's/\x1b\[[0-9;]*m//g
    s/^Test cases: finished with ([0-9]+) passing and ([0-9]+) failing.*/\1 \2/p' \
    "$1" | tail -n 1)
  read -r passed failed <<<"${counts:-0 0}"
  if (($2 != 0 && failed == 0)); then failed=1; fi
  echo "$passed $failed"
}

verb_test() {
  local -a flags=() targets=()
  local arg config=opt rc=0 log=$ROOT/.cache/log/test.log
  for arg in "$@"; do
    case $arg in
      --san) config=san flags+=(--config=san) ;;
      --tsan) config=tsan flags+=(--config=tsan) ;;
      //* | -//* | :*) targets+=("$arg") ;;
      *) flags+=("$arg") ;;
    esac
  done
  ((${#targets[@]})) || targets=(//...)
  say "Will build and run the tests ($config): ${targets[*]}."
  ensure build buf clients
  prepare_bazel
  mkdir -p "$ROOT/.cache/log"
  phase_begin "Testing ($config)"
  bazel_tests "$log" "${flags[@]}" -- "${targets[@]}" || rc=$?
  phase_end "Bazel ended with $rc"
  close_with_count $(count_of "$log" "$rc")
}
