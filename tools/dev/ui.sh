# What a person sees of ./dev: phases with their time, one-sentence failures.
# All of it goes to stderr: stdout belongs to the programs that are run.

say() { printf '%s\n' "$*" >&2; }

# One clear sentence, then the end.
die() {
  say "dev: $*"
  exit 1
}

# seconds_since START: whole seconds, as "45 s" or "3 min 05 s".
seconds_since() {
  local s=$((SECONDS - $1))
  if ((s < 100)); then
    printf '%d s' "$s"
  else
    printf '%d min %02d s' $((s / 60)) $((s % 60))
  fi
}

phase_begin() {
  phase_name=$1
  phase_start=$SECONDS
  say "==> $phase_name"
}

# phase_end [WHAT CAME OF IT]
phase_end() {
  say "    $phase_name: ${1:-done} ($(seconds_since "$phase_start"))"
}

# close_with_count PASSED FAILED: the line that a runner reads. .ci/run sums
# those of several verbs, through the file that ANABRANCH_TALLY names.
close_with_count() {
  say "    took $(seconds_since 0) in all"
  if [[ -n ${ANABRANCH_TALLY:-} ]]; then
    echo "$1 $2" >>"$ANABRANCH_TALLY"
    echo "counted: $1 good, $2 bad"
  else
    echo "$1 passed, $2 failed"
  fi
  (($2 == 0))
}

# quietly LOG WHAT COMMAND…: runs it with its output in LOG and a line every
# 15 s that says it is alive; the log's end is shown when it fails.
quietly() {
  local log=$1 what=$2 start=$SECONDS next=15 pid rc=0
  shift 2
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS - start >= next)); then
      say "    … $what, $(seconds_since "$start"): $(tail -n 1 "$log" | cut -c 1-70)"
      next=$((next + 15))
    fi
    sleep 0.2
  done
  wait "$pid" || rc=$?
  if ((rc != 0)); then
    say "    the end of $log:"
    tail -n 20 "$log" | sed 's/^/      /' >&2
  fi
  return "$rc"
}
