"""The rules about the source tree: what may include what, and sizes.

Each rule is a function of a Tree and yields one sentence per violation.
"""
import os
import re

LINES_MAX = 600
SOURCES = (".cc", ".h", ".proto", ".bzl", ".py", ".sh")
SKIPPED_FOLDERS = {".git", ".cache", "bin", "node_modules", "results"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.M)
COMMENT = re.compile(r"//[^\n]*")

# The arrows of the architecture: what each folder may include of the project.
# `anabranch` stands for the generated code of protos/anabranch.
PROTOS = {"anabranch", "google", "grpc"}
ARROWS = {
    "base": {"google"},
    "sdk": {"base"} | PROTOS,
    "claude": {"base"},
    "flows": {"sdk", "claude", "base"} | PROTOS,
    "orchestrator/core": {"sdk", "base"} | PROTOS,
    "orchestrator/replay": {"orchestrator/core", "sdk", "base"} | PROTOS,
    "orchestrator/log": {"base"} | PROTOS,
    "orchestrator/filter": {"base"} | PROTOS,
    "orchestrator/shard": {"orchestrator/replay", "orchestrator/core",
                           "orchestrator/log", "orchestrator/filter", "sdk",
                           "base"} | PROTOS,
    "orchestrator/rpc": {"orchestrator/shard", "orchestrator/replay",
                         "orchestrator/core", "orchestrator/log",
                         "orchestrator/filter", "claude", "sdk",
                         "base"} | PROTOS,
    "orchestrator/metrics": {"orchestrator/shard", "orchestrator/core",
                             "base"} | PROTOS,
    "orchestrator": {"orchestrator/rpc", "orchestrator/metrics",
                     "orchestrator/shard",
                     "orchestrator/replay", "orchestrator/core",
                     "orchestrator/log", "flows", "claude", "sdk",
                     "base"} | PROTOS,
    "activity_worker": {"claude", "base"} | PROTOS,
    # An independent witness: it shares no code with what it is to check.
    "fake_claude": {"base"},
    "client": {"claude", "base"} | PROTOS,
}

# Folders in which time, threads and order by address cannot get at a result.
PURE = ("orchestrator/core", "orchestrator/filter", "orchestrator/replay",
        "activity_worker/core", "sdk", "flows", "claude")
IMPURE_INCLUDE = re.compile(
    r"^(chrono|ctime|time\.h|sys/time\.h|thread|stop_token|future|atomic"
    r"|mutex|shared_mutex|condition_variable|semaphore|latch|barrier"
    r"|random|unordered_map|unordered_set"
    r"|absl/(synchronization/.*|random/.*|time/clock\.h"
    r"|container/(flat|node)_hash_(map|set)\.h)"
    r"|grpc.*|.*\.grpc\.pb\.h|rocksdb/.*|base/(clock|mutex)\.h)$")
IMPURE_WORD = re.compile(
    r"std::chrono|std::this_thread|std::thread|absl::Now\(|absl::SleepFor"
    r"|\bgetenv\(|\brand\(|\btime\(nullptr\)|gettimeofday|clock_gettime")

SLEEP = re.compile(
    r"\bsleep_for\b|\bsleep_until\b|\busleep\(|\bnanosleep\(|\bSleepFor\("
    r"|(?<![\w:.>])sleep\(")


class Tree:
    """The source files under a root, by path relative to it."""

    def __init__(self, root):
        self._root = root
        self.paths = sorted(self._walk())

    def _walk(self):
        for folder, names, files in os.walk(self._root):
            names[:] = [n for n in names if n not in SKIPPED_FOLDERS
                        and not n.startswith("bazel-")]
            for name in files:
                if name.endswith(SOURCES) or name == "BUILD":
                    path = os.path.join(folder, name)
                    yield os.path.relpath(path, self._root)

    def text(self, path):
        with open(os.path.join(self._root, path), encoding="utf-8") as file:
            return file.read()

    def cxx(self):
        return [p for p in self.paths if p.endswith((".cc", ".h"))]


def component(path):
    """The folder of ARROWS that a path or an included name belongs to."""
    parts = path.split("/")
    for depth in (2, 1):
        name = "/".join(parts[:depth])
        if len(parts) > depth and name in ARROWS:
            return name
    return parts[0] if len(parts) > 1 else ""


def is_test(path):
    """Whether a file is only ever part of a test."""
    name = os.path.splitext(os.path.basename(path))[0]
    return name.endswith(("_test", "_testing", "_fixture", "test_util",
                          "_test_util", "_test_support"))


def file_sizes(tree):
    for path in tree.paths:
        lines = tree.text(path).count("\n")
        if lines > LINES_MAX:
            yield (f"{path}: {lines} lines, more than {LINES_MAX}; "
                   "split it by concept")


def arrows(tree):
    """Tests may also use tests/ and the fake API; nothing else may."""
    known = set(ARROWS) | {"tests", "bench"} | PROTOS
    for path in tree.cxx():
        own = component(path)
        if own not in ARROWS:
            continue
        allowed = ARROWS[own] | {own}
        if is_test(path):
            allowed = allowed | {"tests", "fake_claude"}
        for name in INCLUDE.findall(tree.text(path)):
            target = component(name)
            if target in known and target not in allowed:
                yield f"{path}: includes {name}, which {own} may not see"


def pure_folders(tree):
    for path in tree.cxx():
        if is_test(path) or not path.startswith(
                tuple(folder + "/" for folder in PURE)):
            continue
        text = tree.text(path)
        for name in INCLUDE.findall(text):
            if IMPURE_INCLUDE.match(name):
                yield f"{path}: includes {name}; this folder is pure"
        for word in IMPURE_WORD.findall(COMMENT.sub("", text)):
            yield f"{path}: uses {word}; this folder is pure"


def no_sleeps_in_tests(tree):
    for path in tree.cxx():
        if path.endswith("_test.cc"):
            for word in SLEEP.findall(COMMENT.sub("", tree.text(path))):
                yield f"{path}: {word}: wait for what happens, not for time"


REASON = re.compile(
    r"\b(?:MakeError|NotFound|StreamError|InvalidWithField|WithReason)\("
    r'[^";]*?"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*)"', re.S)


def errors_are_listed(tree):
    """Each reason has a row in docs/errors.md, and a test that meets it."""
    raised, met = {}, ""
    for path in tree.cxx():
        if is_test(path) or path.startswith("tests/"):
            met += tree.text(path)
        elif path.startswith(("base/", "flows/", "orchestrator/")):
            for reason in REASON.findall(tree.text(path)):
                raised.setdefault(reason, path)
    rows = set(re.findall(r"^\| ([A-Z0-9_]+) \|",
                          tree.text("docs/errors.md"), re.M))
    for reason, path in sorted(raised.items()):
        if reason not in rows:
            yield f"{path}: {reason} has no row in docs/errors.md"
        if f'"{reason}"' not in met:
            yield f"{path}: no test meets {reason}"
    for reason in sorted(rows - set(raised)):
        yield f"docs/errors.md: nothing gives {reason} as a reason"


def tests_are_built(tree):
    """A test that no BUILD file names would never run."""
    for path in tree.paths:
        if not path.endswith("_test.cc"):
            continue
        folder, name = os.path.split(path)
        build = os.path.join(folder, "BUILD")
        stem = os.path.splitext(name)[0]
        if build not in tree.paths or f'"{stem}' not in tree.text(build):
            yield f"{path}: no BUILD file beside it names it"


ALL = (file_sizes, arrows, pure_folders, no_sleeps_in_tests, tests_are_built,
       errors_are_listed)
