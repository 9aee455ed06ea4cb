"""Offline stand-ins for the repositories Bazel 4.2.3 would otherwise download.

Even a plain cc_binary makes Bazel load @rules_cc (from @bazel_tools//tools/cpp) and that
brings in @rules_java (through @bazel_tools//tools/jdk). Debian's own
bazel-rules-cc 0.0.4 is too new for Debian's Bazel 4.2.3 ("does not contain symbol
'use_cpp_toolchain'"), so neither the download nor the deb can be used.

The upstream files do nothing but forward to the native rules. That is all that is
generated here. Declared in WORKSPACE under the well-known names, these win over the
http_archive() calls in Bazel's built-in WORKSPACE suffix.
"""

_CC = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_alias",
    "cc_toolchain_suite",
    "fdo_prefetch_hints",
    "fdo_profile",
    "objc_import",
    "objc_library",
]

_JAVA = [
    "java_binary",
    "java_import",
    "java_library",
    "java_lite_proto_library",
    "java_package_configuration",
    "java_plugin",
    "java_proto_library",
    "java_runtime",
    "java_test",
    "java_toolchain",
]

_PROTO = [
    "proto_lang_toolchain",
    "proto_library",
]

def _forwarders(rules):
    return "".join([
        "def {r}(**kwargs):\n    native.{r}(**kwargs)\n\n".format(r = r)
        for r in rules
    ])

def _native_rules_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    ctx.file("%s/BUILD" % ctx.attr.package, ctx.attr.build)
    ctx.file("%s/defs.bzl" % ctx.attr.package, _forwarders(ctx.attr.rules))

_native_rules = repository_rule(
    implementation = _native_rules_impl,
    attrs = {
        "build": attr.string(),
        "package": attr.string(mandatory = True),
        "rules": attr.string_list(mandatory = True),
    },
)

def _no_coverage_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    ctx.file("no_coverage.sh", "#!/bin/sh\necho 'coverage is not supported' >&2\nexit 1\n", executable = True)
    ctx.file("BUILD", "package(default_visibility = [\"//visibility:public\"])\n" + "".join([
        "sh_binary(name = \"%s\", srcs = [\"no_coverage.sh\"])\n" % n
        for n in ["coverage_report_generator", "lcov_merger"]
    ]))

_no_coverage = repository_rule(implementation = _no_coverage_impl)

def offline_compat_repositories():
    """Call first in WORKSPACE."""

    # A dependency of every cc_test, coverage run or not.
    _no_coverage(name = "remote_coverage_tools")
    _native_rules(
        name = "rules_cc",
        package = "cc",
        rules = _CC,
        build = """
package(default_visibility = ["//visibility:public"])
alias(name = "toolchain_type", actual = "@bazel_tools//tools/cpp:toolchain_type")
exports_files(["defs.bzl"])
""",
    )
    _native_rules(name = "rules_java", package = "java", rules = _JAVA, build = "")
    _native_rules(name = "rules_proto", package = "proto", rules = _PROTO, build = "")
