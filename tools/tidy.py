#!/usr/bin/env python3
"""clang-tidy over every source of compile_commands.json, cached by content.

    tools/tidy.py [--jobs N] [FILE...]      FILE: only these (workspace paths)

A verdict is kept in .cache/tidy under a hash of all it depends on: the source,
every project or generated header that it reaches, the flags, .clang-tidy and
the version of clang-tidy. Exits 1 when a file has findings.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import time

TOOL = "clang-tidy-19"
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.M)
SEARCH_FLAGS = ("-iquote", "-isystem", "-I")


class Headers:
    """Finds what a source includes, system headers left out. Threads: one."""

    def __init__(self):
        self._read = {}

    def read(self, path):
        """(digest, names included) of a file, or None if there is none."""
        if path not in self._read:
            try:
                with open(path, "rb") as file:
                    data = file.read()
                self._read[path] = (hashlib.sha256(data).hexdigest(), [
                    name.decode() for name in INCLUDE.findall(data)])
            except OSError:
                self._read[path] = None
        return self._read[path]

    def digests(self, source, directories):
        """Sorted digests of `source` and of all that it reaches."""
        seen, todo = {}, [source]
        while todo:
            path = todo.pop()
            digest, names = self.read(path)
            seen[path] = digest
            for name in names:
                for directory in [os.path.dirname(path), *directories]:
                    found = os.path.join(directory, name)
                    if found in seen or self.read(found):
                        if found not in seen:
                            todo.append(found)
                        break
        return sorted(seen.values())


def search_path(command):
    """The project's own include directories of a command, absolute."""
    found = []
    arguments = command["arguments"]
    for flag, value in zip(arguments, arguments[1:]):
        if flag in SEARCH_FLAGS and not value.startswith("/usr/"):
            found.append(os.path.normpath(
                os.path.join(command["directory"], value)))
    return found


def key_of(command, headers, common):
    """The name of the verdict: the same in every clone of the same content."""
    root = os.getcwd()
    flags = [a.replace(command["directory"], "").replace(root, "")
             for a in command["arguments"]]
    parts = [common, *flags,
             *headers.digests(command["file"], search_path(command))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def run(path):
    """(output, seconds); the output is empty when there is nothing to say."""
    start = time.monotonic()
    result = subprocess.run(
        [TOOL, "--quiet", "-p", ".", path], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    output = result.stdout.strip()
    if result.returncode and not output:
        output = result.stderr.strip() or f"{TOOL}: exit {result.returncode}"
    return output, time.monotonic() - start


def report(name, output):
    if output:
        print(f"--- {name}\n{output}", flush=True)
    return bool(output)


def lint(commands, jobs, cache):
    """Returns (number of files with findings, number taken from the cache)."""
    common = subprocess.check_output([TOOL, "--version"], text=True)
    with open(".clang-tidy", encoding="utf-8") as file:
        common += file.read()
    headers, bad, todo = Headers(), 0, []
    for command in commands:
        verdict = os.path.join(cache, key_of(command, headers, common))
        name = os.path.relpath(command["file"])
        if os.path.exists(verdict):
            with open(verdict, encoding="utf-8") as file:
                bad += report(name, file.read())
        else:
            todo.append((name, command["file"], verdict))
    cached = len(commands) - len(todo)
    start = shown = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(run, path): (name, verdict)
                   for name, path, verdict in todo}
        done = concurrent.futures.as_completed(pending)
        for count, future in enumerate(done, 1):
            name, verdict = pending[future]
            output, seconds = future.result()
            with open(verdict + ".new", "w", encoding="utf-8") as file:
                file.write(output)
            os.replace(verdict + ".new", verdict)
            bad += report(name, output)
            if os.environ.get("TIDY_TIMES"):
                print(f"    {seconds:5.1f} s  {name}", file=sys.stderr)
            if time.monotonic() - shown >= 15:
                shown = time.monotonic()
                print(f"    … clang-tidy: {count} of {len(todo)} files, "
                      f"{shown - start:.0f} s", file=sys.stderr, flush=True)
    return bad, cached


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0]))))
    with open("compile_commands.json", encoding="utf-8") as file:
        commands = json.load(file)
    if options.files:
        wanted = {os.path.abspath(f) for f in options.files}
        commands = [c for c in commands if c["file"] in wanted]
    # A source deleted since the list was made is no longer a source.
    commands = [c for c in commands if os.path.exists(c["file"])]
    cache = os.path.join(".cache", "tidy")
    os.makedirs(cache, exist_ok=True)
    bad, cached = lint(commands, options.jobs, cache)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"    clang-tidy: {len(commands)} files, {cached} from the cache, "
          f"{bad} with findings; "
          f"{usage.ru_utime + usage.ru_stime:.0f} s of processor time",
          file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
