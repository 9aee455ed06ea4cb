# The verbs that run a program of tests/ with the arguments given.

# run_program WHAT TARGET ARGUMENT…: the program's stdout is this verb's stdout.
# bin/ and buf are there too: what the programs print to paste names them.
run_program() {
  local what=$1 target=$2 path
  shift 2
  ensure build buf
  prepare_bazel
  build_programs "$target"
  path=${target#//}
  say "==> $what"
  export BUILD_WORKSPACE_DIRECTORY=$ROOT
  exec "$(bazel info bazel-bin 2>/dev/null)/${path/://}" "$@"
}

verb_demo() {
  say "Will build, then fork & compare a real conversation while processes are killed (about 30 s)."
  # The lines to paste that it ends with need bin/ and buf.
  ensure build buf
  prepare_bazel
  build_programs
  run_program "The demo" //tests/e2e:demo "$@"
}

verb_crashloop() {
  say "Will build, then kill the orchestrator at each of its writes in turn (some minutes)."
  run_program "The crash loop" //tests/e2e:crashloop "$@"
}

verb_sim() {
  say "Will build, then run the simulation."
  run_program "The simulation" //tests/sim:sim "$@"
}

verb_scenarios() {
  say "Will build, then play the text scenarios."
  run_program "The scenarios" //tests/scenarios:scenarios "$@"
}
