# ./dev lint [--fix]: three tools, each of them one check.

lint_format() {
  local -a mode=(--dry-run --Werror)
  ((FIX)) && mode=(-i)
  tree_files '*.cc' '*.h' |
    xargs -0 -P 2 -n 40 clang-format-19 "${mode[@]}"
}

# clang-tidy reads generated headers; making them compiles nothing.
lint_tidy() {
  local generated
  generated=$(bazel query 'kind(cc_grpc_library, //...)' 2>/dev/null) ||
    say "    bazel query cannot read every BUILD file"
  if [[ -n $generated ]]; then
    bazel build --noshow_progress --ui_event_filters=-info \
      "${BAZEL_FLAGS[@]}" $generated >&2 || return 1
  fi
  refresh_compile_commands || return 1
  python3 "$ROOT/tools/tidy.py"
}

lint_protos() { "$BUF_DIR/buf" lint; }

# one_check NAME COMMAND: runs it in a phase of its own; adds to passed, failed.
one_check() {
  local start=$SECONDS
  phase_begin "$1"
  if "$2"; then
    passed=$((passed + 1))
    say "    $1: good ($(seconds_since "$start"))"
  else
    failed=$((failed + 1))
    say "    $1: FAILED, its words are above ($(seconds_since "$start"))"
  fi
}

verb_lint() {
  local passed=0 failed=0
  FIX=0
  for arg in "$@"; do
    case $arg in
      --fix) FIX=1 ;;
      *) die "lint knows --fix, not '$arg'." ;;
    esac
  done
  say "Will check the sources' format, run clang-tidy (first time: minutes) and buf lint."
  ensure build lint buf
  prepare_bazel
  one_check "clang-format" lint_format
  one_check "clang-tidy" lint_tidy
  one_check "buf lint" lint_protos
  close_with_count "$passed" "$failed"
}
