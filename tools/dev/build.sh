# Bazel as ./dev calls it, and what `./dev build` leaves in bin/.

# The programs, as targets; each is copied to bin/ under its own name.
PROGRAMS=(
  //client:anabranch
  //orchestrator:anabranch-orchestrator
  //orchestrator:anabranch-replay
  //activity_worker:anabranch-worker
  //fake_claude:fake_claude
)

# The same for every call: Bazel drops its analysis when an option changes.
# Tests find stock clients through the variables.
BAZEL_FLAGS=(
  --test_env=ANABRANCH_BUF="$BUF_DIR/buf"
  --test_env=ANABRANCH_NODE_MODULES="$NODE_DIR/node_modules"
)

# Bazel needs a home for its caches; services and CI may give none.
prepare_bazel() {
  if [[ -z ${HOME:-} || ! -w $HOME ]]; then
    HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
    [[ -n $HOME && -w $HOME ]] || HOME=$ROOT/.cache/home
    export HOME
    mkdir -p "$HOME"
  fi
  # Links left behind by a clone that was moved would be walked as packages.
  local link
  for link in "$ROOT"/bazel-*; do
    [[ -L $link ]] || continue
    case ${link##*/} in
      bazel-bin | bazel-out | bazel-testlogs | "bazel-${ROOT##*/}") ;;
      *) rm -f "$link" ;;
    esac
    [[ -e $link ]] || rm -f "$link"
  done
}

# How Bazel shows its progress: live on a terminal, else a line now and then.
progress_flags() {
  if [[ -t 2 ]]; then
    echo --curses=auto
  else
    echo --curses=no --color=no --show_progress_rate_limit=20
  fi
}

# bazel_build TARGET…: everything it says goes to stderr.
bazel_build() {
  bazel build $(progress_flags) "${BAZEL_FLAGS[@]}" "$@" >&2
}

# install_program FILE: to bin/, by rename, so that a running one is not disturbed.
install_program() {
  local to=$ROOT/bin/${1##*/}
  cmp -s "$1" "$to" && return 0
  install -m 755 "$1" "$to.new"
  mv "$to.new" "$to"
}

# build_programs [TARGET…]: the programs, copied to bin/, and these targets too.
build_programs() {
  local -a targets=("${PROGRAMS[@]}" "$@")
  local bazel_bin program path
  phase_begin "Building ${targets[*]##*:}"
  bazel_build "${targets[@]}" || die "the build failed; the errors are above."
  bazel_bin=$(bazel info bazel-bin 2>/dev/null)
  mkdir -p "$ROOT/bin"
  for program in "${PROGRAMS[@]}"; do
    path=${program#//}
    install_program "$bazel_bin/${path/://}"
  done
  phase_end "bin/ is up to date"
}

# tree_files PATTERN…: the tree's files of these names, NUL-terminated, sorted.
# Not git's word: it refuses a clone that somebody else owns.
tree_files() {
  local -a names=(-name "$1")
  shift
  while (($#)); do
    names+=(-o -name "$1")
    shift
  done
  find . \( -path ./.cache -o -path ./.git -o -path ./bin -o -name 'bazel-*' \
    -o -name node_modules \) -prune -o -type f \( "${names[@]}" \) -print0 |
    sort -z
}

# What compile_commands.json depends on, in one word.
compile_commands_key() {
  {
    tree_files '*.cc'
    tree_files BUILD '*.bzl' .bazelrc compile_commands.py | xargs -0 cat
  } | sha256sum | cut -d ' ' -f 1
}

# Written anew only when sources came or went, or a build file changed.
refresh_compile_commands() {
  local key start=$SECONDS
  key=$(compile_commands_key)
  if [[ -s compile_commands.json &&
    $(cat .cache/compile_commands.key 2>/dev/null) == "$key" ]]; then
    return 0
  fi
  python3 tools/compile_commands.py "${BAZEL_FLAGS[@]}" >&2 || return 1
  say "    compile_commands.json is new ($(seconds_since "$start"))"
  mkdir -p .cache
  echo "$key" >.cache/compile_commands.key
}

verb_build() {
  say "Will build the programs and copy them to bin/ (a first time takes some minutes)."
  ensure build
  prepare_bazel
  build_programs
  refresh_compile_commands
}

verb_compdb() {
  ensure build
  prepare_bazel
  rm -f compile_commands.json
  refresh_compile_commands
}
