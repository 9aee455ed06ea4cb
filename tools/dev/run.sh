# The verbs that run a program of tests/ with the arguments given.

# run_program WHAT TARGET ARGUMENT…: the program's stdout is this verb's stdout.
run_program() {
  local what=$1 target=$2 file
  shift 2
  ensure build
  prepare_bazel
  phase_begin "Building $target"
  file=$(build_target "$target")
  phase_end
  say "==> $what"
  export BUILD_WORKSPACE_DIRECTORY=$ROOT
  exec "$file" "$@"
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
