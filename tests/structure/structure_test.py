"""Holds the source tree to rules.py, and rules.py to planted violations."""
import os
import sys
import tempfile
import time
import unittest
from xml.sax import saxutils

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import rules  # noqa: E402  pylint: disable=wrong-import-position

# The tree itself rather than a copy: runfiles are links to the sources.
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))


class SourceTree(unittest.TestCase):
    """One test per rule: it names every violation."""

    def check(self, rule):
        found = list(rule(rules.Tree(ROOT)))
        if found:
            self.fail("\n" + "\n".join(found))

    def test_it_is_the_source_tree(self):
        paths = rules.Tree(ROOT).paths
        self.assertIn("tests/structure/rules.py", paths)
        self.assertIn("base/check.h", paths)

    def test_file_sizes(self):
        self.check(rules.file_sizes)

    def test_arrows(self):
        self.check(rules.arrows)

    def test_pure_folders(self):
        self.check(rules.pure_folders)

    def test_no_sleeps_in_tests(self):
        self.check(rules.no_sleeps_in_tests)

    def test_tests_are_built(self):
        self.check(rules.tests_are_built)

    def test_errors_are_listed(self):
        self.check(rules.errors_are_listed)


class Rules(unittest.TestCase):
    """Each rule finds what is planted, and nothing in what is good."""

    def violations(self, rule, **files):
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            return list(rule(rules.Tree(root)))

    def assert_found(self, rule, path, text, count=1):
        found = self.violations(rule, **{path: text})
        self.assertEqual(count, len(found), found)

    def test_long_file(self):
        self.assert_found(rules.file_sizes, "base/a.h", "\n" * 601)
        self.assert_found(rules.file_sizes, "base/a.h", "\n" * 600, 0)

    def test_worker_sees_orchestrator(self):
        line = '#include "orchestrator/core/state.h"\n'
        self.assert_found(rules.arrows, "activity_worker/a.cc", line)
        self.assert_found(rules.arrows, "client/a.cc", line)
        self.assert_found(rules.arrows, "orchestrator/shard/a.cc", line, 0)

    def test_core_sees_shard(self):
        line = '#include "orchestrator/shard/inbox.h"\n'
        self.assert_found(rules.arrows, "orchestrator/core/a.cc", line)

    def test_fake_shares_code_with_claude(self):
        line = '#include "claude/sse.h"\n'
        self.assert_found(rules.arrows, "fake_claude/a.cc", line)

    def test_product_sees_tests(self):
        line = '#include "tests/support/matchers.h"\n'
        self.assert_found(rules.arrows, "claude/a.cc", line)
        self.assert_found(rules.arrows, "claude/a_test.cc", line, 0)

    def test_impure_include(self):
        for name in ("<chrono>", "<mutex>", "<unordered_map>",
                     "<grpcpp/grpcpp.h>", '"rocksdb/db.h"', '"base/clock.h"',
                     '"absl/container/flat_hash_map.h"'):
            line = f"#include {name}\n"
            self.assert_found(rules.pure_folders, "sdk/a.h", line)
            self.assert_found(rules.pure_folders, "base/a.h", line, 0)

    def test_impure_word(self):
        path = "flows/a.cc"
        self.assert_found(rules.pure_folders, path, "x = absl::Now();")
        self.assert_found(rules.pure_folders, path, "// absl::Now()\n", 0)

    def test_sleeping_test(self):
        rule, path = rules.no_sleeps_in_tests, "base/a_test.cc"
        self.assert_found(rule, path, "std::this_thread::sleep_for(x);")
        self.assert_found(rule, path, "  sleep(1);")
        self.assert_found(rule, path, "  activities.sleep(1);", 0)

    def test_unbuilt_test(self):
        rule, files = rules.tests_are_built, {"base/a_test.cc": ""}
        self.assertEqual(1, len(self.violations(rule, **files)))
        files["base/BUILD"] = 'srcs = ["a_test.cc"]'
        self.assertEqual(0, len(self.violations(rule, **files)))

    def test_unlisted_error(self):
        files = {
            "base/a.cc": 'MakeError(Code::kX,\n  "TOO_BAD", "it is")',
            "base/a_test.cc": 'EXPECT_EQ(reason, "TOO_BAD");',
            "docs/errors.md": "| TOO_BAD | X | when | what |\n"}
        self.assertEqual([], self.violations(rules.errors_are_listed, **files))
        for path in ("base/a_test.cc", "docs/errors.md"):
            broken = {**files, path: ""}
            found = self.violations(rules.errors_are_listed, **broken)
            self.assertEqual(1, len(found), found)


class XmlResult(unittest.TextTestResult):
    """Also keeps what Bazel wants to know of each case."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cases = []

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        bad = [text for case, text in self.failures + self.errors
               if case is test]
        kind, _, name = test.id().rpartition(".")
        self.cases.append((kind, name, time.monotonic() - self.began, bad))


def write_xml(path, cases):
    """A JUnit report, from which Bazel counts the cases."""
    quote = saxutils.quoteattr
    failed = sum(bool(bad) for *_, bad in cases)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<testsuites><testsuite name="structure" '
                   f'tests="{len(cases)}" failures="{failed}">\n')
        for kind, name, seconds, bad in cases:
            file.write(f"<testcase classname={quote(kind)} name={quote(name)} "
                       f'status="run" time="{seconds:.3f}">')
            for text in bad:
                file.write(f"<failure message={quote(text)}/>")
            file.write("</testcase>\n")
        file.write("</testsuite></testsuites>\n")


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules["__main__"])
    result = unittest.TextTestRunner(
        resultclass=XmlResult, verbosity=1).run(suite)
    if "XML_OUTPUT_FILE" in os.environ:
        write_xml(os.environ["XML_OUTPUT_FILE"], result.cases)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
