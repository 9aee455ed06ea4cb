#!/usr/bin/env python3
"""Writes compile_commands.json, for clangd and clang-tidy, from `bazel aquery`.

    tools/compile_commands.py [BAZEL FLAG...]      e.g. --config=dbg

It runs no compiler, but what reads its result needs the generated headers:
`./dev build` makes them.
"""
import json
import os
import subprocess
import sys

# What only Bazel needs, or gcc alone knows.
DROPPED = {
    "-MD",
    "-fno-canonical-system-headers",
    "-Wno-free-nonheap-object",
}
DROPPED_WITH_VALUE = {"-MF", "-o"}


def bazel(*args):
    return subprocess.run(["bazel", *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


def or_exit(result):
    if result.returncode:
        sys.stderr.write(result.stderr)
        sys.exit("compile_commands.py: bazel failed; its words are above")
    return result.stdout


def places():
    """(workspace, execution root)."""
    out = or_exit(bazel("info", "workspace", "execution_root"))
    info = dict(line.split(": ", 1) for line in out.splitlines())
    return info["workspace"], info["execution_root"]


def cleaned(arguments):
    """(source, arguments) of one compile action, for tools instead of Bazel."""
    kept, source, skip = [], None, False
    for before, argument in zip([""] + arguments, arguments):
        if skip:
            skip = False
        elif argument in DROPPED_WITH_VALUE:
            skip = True
        elif argument in DROPPED or argument.startswith("-frandom-seed"):
            continue
        else:
            if before == "-c":
                source = argument
            kept.append(argument)
    return source, kept


def commands(actions, workspace, root):
    for action in actions:
        source, arguments = cleaned(action["arguments"])
        if source is None or source.startswith(("bazel-out/", "external/")):
            continue
        # The real path, so that an editor's file matches its entry.
        path = os.path.join(workspace, source)
        arguments = [path if a == source else a for a in arguments]
        arguments += ["-iquote", workspace]
        yield {"directory": root, "file": path, "arguments": arguments}


def main():
    workspace, root = places()
    out = or_exit(bazel("aquery", *sys.argv[1:], "--keep_going",
                        'mnemonic("CppCompile", //...)',
                        "--output=jsonproto", "--include_artifacts=false"))
    # One entry a file: a source in two targets is read the same in both.
    by_file = {c["file"]: c for c in commands(
        json.loads(out).get("actions", []), workspace, root)}
    path = os.path.join(workspace, "compile_commands.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump([by_file[f] for f in sorted(by_file)], file, indent=1)
    os.replace(path + ".new", path)
    print(f"    {path}: {len(by_file)} files")


if __name__ == "__main__":
    main()
