# ./dev fuzz [--seconds N] [TARGET…]: libFuzzer over the targets of tests/fuzz.

FUZZ_FLAGS=(--config=fuzz)

# fuzz_one PROGRAM TARGET SECONDS: what it finds is kept in .cache/fuzz, the
# bytes that broke the target as TARGET-crash-….
fuzz_one() {
  local program=$1 target=$2 seconds=$3 found=$ROOT/.cache/fuzz log
  log=$found/$target.log
  mkdir -p "$found/$target"
  if "$program" "$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$found/$target-" \
    "$found/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    say "    $(sed -n 's/^stat::number_of_executed_units: */executions: /p' "$log")"
    return 0
  fi
  grep -E "ERROR|SUMMARY|check failed|Test unit written" "$log" >&2 ||
    tail -n 5 "$log" >&2
  return 1
}

verb_fuzz() {
  local seconds=20 program target passed=0 failed=0 rc
  local -a targets=()
  while (($#)); do
    case $1 in
      --seconds)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "--seconds needs a number."
        seconds=$2
        shift
        ;;
      --seconds=*) set -- --seconds "${1#*=}" "${@:2}" && continue ;;
      -*) die "fuzz knows --seconds and names of targets, not '$1'." ;;
      *) targets+=("$1") ;;
    esac
    shift
  done
  say "Will build the fuzzers, then run each for $seconds s."
  ensure build buf
  prepare_bazel
  phase_begin "Building the fuzzers"
  bazel_build "${FUZZ_FLAGS[@]}" //tests/fuzz:fuzzer ||
    die "the build failed; the errors are above."
  program=$(bazel info "${FUZZ_FLAGS[@]}" bazel-bin 2>/dev/null)/tests/fuzz/fuzzer
  phase_end
  ((${#targets[@]})) || mapfile -t targets < <("$program" list)
  for target in "${targets[@]}"; do
    phase_begin "Fuzzing $target"
    rc=0
    fuzz_one "$program" "$target" "$seconds" || rc=$?
    if ((rc == 0)); then
      passed=$((passed + 1))
      phase_end "good"
    else
      failed=$((failed + 1))
      phase_end "FAILED, its words are above and in .cache/fuzz/$target.log"
    fi
  done
  close_with_count "$passed" "$failed"
}
