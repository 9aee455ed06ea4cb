"""@system: the Debian libraries and code generators, found with pkg-config.

Every library becomes a cc_library in @system with link flags and defines only: the
headers are under /usr/include, one of the compiler's built-in include directories, so
Bazel accepts them without declaring them. When anything is missing the fetch fails once,
with the whole list of apt packages.
"""

def _lib(name, apt, header, pc = [], linkopts = [], defines = [], deps = []):
    return struct(name = name, apt = apt, header = header, pc = pc, linkopts = linkopts, defines = defines, deps = deps)

_LIBS = [
    _lib("protobuf", "libprotobuf-dev", "google/protobuf/message.h", pc = ["protobuf"]),
    _lib(
        "absl",
        "libabsl-dev",
        "absl/status/statusor.h",
        # Add a module here when a new part of Abseil is used; absl_log does not exist in 20220623.
        pc = [
            "absl_base",
            "absl_btree",
            "absl_flat_hash_map",
            "absl_flat_hash_set",
            "absl_hash",
            "absl_random_random",
            "absl_span",
            "absl_status",
            "absl_statusor",
            "absl_str_format",
            "absl_strings",
            "absl_synchronization",
            "absl_time",
        ],
    ),
    _lib("grpc++", "libgrpc++-dev", "grpcpp/grpcpp.h", pc = ["grpc++"], deps = ["protobuf"]),
    # No .pc file. The plugin registers itself from a static initialiser, so the library
    # must stay in DT_NEEDED even though nothing refers to it by symbol.
    _lib(
        "grpc++_reflection",
        "libgrpc++-dev",
        "grpcpp/ext/proto_server_reflection_plugin.h",
        linkopts = ["-Wl,--push-state,--no-as-needed", "-lgrpc++_reflection", "-Wl,--pop-state"],
        deps = ["grpc++"],
    ),
    _lib("rocksdb", "librocksdb-dev", "rocksdb/db.h", pc = ["rocksdb"]),
    _lib("curl", "libcurl4-openssl-dev", "x86_64-linux-gnu/curl/curl.h", pc = ["libcurl"]),
    # spdlog's .pc carries SPDLOG_SHARED_LIB, SPDLOG_COMPILED_LIB and SPDLOG_FMT_EXTERNAL.
    _lib("spdlog", "libspdlog-dev", "spdlog/spdlog.h", pc = ["spdlog"]),
    _lib("json", "nlohmann-json3-dev", "nlohmann/json.hpp", pc = ["nlohmann_json"]),
    # Debian's cpp-httplib is the compiled (split) flavour.
    _lib("httplib", "libcpp-httplib-dev", "httplib.h", pc = ["cpp-httplib"]),
    _lib("prometheus", "prometheus-cpp-dev", "prometheus/registry.h", pc = ["prometheus-cpp-core"]),
    _lib("cli11", "libcli11-dev", "CLI/CLI.hpp", pc = ["CLI11"]),
    _lib("yaml_cpp", "libyaml-cpp-dev", "yaml-cpp/yaml.h", pc = ["yaml-cpp"]),
    _lib("simdjson", "libsimdjson-dev", "simdjson.h", pc = ["simdjson"]),
    _lib("zstd", "libzstd-dev", "zstd.h", pc = ["libzstd"]),
    _lib("openssl", "libssl-dev", "openssl/ssl.h", pc = ["openssl"]),
    _lib("gtest", "libgtest-dev", "gtest/gtest.h", pc = ["gtest"]),
    _lib("gmock", "libgmock-dev", "gmock/gmock.h", pc = ["gmock"]),
    _lib("gmock_main", "libgmock-dev", "gmock/gmock.h", pc = ["gmock_main"]),
]

# --define=link=static (bazel build --config=dist): these come from their .a files, with what the
# archive needs besides. Not curl (two dozen dependencies), nor spdlog, fmt, httplib and
# prometheus-cpp, of which Debian ships no archive; spdlog is then used header-only.
_STATIC = {
    "absl": [],
    "grpc++": [],
    "grpc++_reflection": [],
    "protobuf": [],
    "rocksdb": ["-lsnappy", "-lzstd", "-llz4", "-lbz2", "-lz"],
}
_HEADER_ONLY = {
    "spdlog": ["SPDLOG_FMT_EXTERNAL", "FMT_HEADER_ONLY"],
}

_TOOLS = {
    "protoc": "protobuf-compiler",
    "grpc_cpp_plugin": "protobuf-compiler-grpc",
}

# Proto import roots outside the workspace, and a file that must be in each.
_PROTO_ROOTS = {
    "google/protobuf/timestamp.proto": ("/usr/include", "libprotobuf-dev"),
}

def _pkg_config(ctx, pkg_config, args):
    res = ctx.execute([pkg_config] + args)
    return None if res.return_code else res.stdout.strip()

_NEVER_STATIC = ["-lpthread", "-lrt", "-ldl", "-latomic", "-lm"]

def _choose(static, shared):
    if static == shared:
        return repr(shared)
    return "select({\":static\": %r, \"//conditions:default\": %r})" % (static, shared)

def _unique(items):
    seen = {}
    return [seen.setdefault(i, i) for i in items if i not in seen]

def _system_impl(ctx):
    pkg_config = ctx.which("pkg-config")
    if not pkg_config:
        fail("\n\npkg-config is missing. Run: ./dev setup\n")

    missing = {}
    build = ["package(default_visibility = [\"//visibility:public\"])\n"]

    for tool, apt in _TOOLS.items():
        path = ctx.which(tool)
        if path:
            ctx.symlink(path, "bin/" + tool)
        else:
            missing[apt] = "no %s on PATH" % tool
    build.append("exports_files(glob([\"bin/*\"]))\n")
    build.append("config_setting(name = \"static\", define_values = {\"link\": \"static\"})\n")

    for probe, (root, apt) in _PROTO_ROOTS.items():
        if not ctx.path(root + "/" + probe).exists:
            missing[apt] = "no %s/%s" % (root, probe)

    for lib in _LIBS:
        if not ctx.path("/usr/include/" + lib.header).exists:
            missing[lib.apt] = "no /usr/include/" + lib.header
            continue
        linkopts = []
        defines = []
        version = ""
        if lib.pc:
            answer = _pkg_config(ctx, pkg_config, ["--cflags", "--libs"] + lib.pc)
            version = _pkg_config(ctx, pkg_config, ["--modversion", lib.pc[0]])
            if answer == None:
                missing[lib.apt] = "pkg-config does not know " + " ".join(lib.pc)
                continue
            flags = [f for f in answer.split(" ") if f]

            # push-state/pop-state pairs must survive; only -l flags may be made unique.
            linkopts = _unique([f for f in flags if f.startswith("-l")])
            if "-pthread" in flags and "-lpthread" not in linkopts:
                linkopts.append("-lpthread")
            defines = [f[2:] for f in flags if f.startswith("-D") and f != "-DNOMINMAX"]
            includes = [f for f in flags if f.startswith("-I/usr/include/") and f != "-I/usr/include/x86_64-linux-gnu"]
        else:
            includes = []

        # The version on the command line rebuilds the users of a library that apt upgraded;
        # Bazel itself does not watch headers in the compiler's built-in directories.
        if version:
            defines.append("SYSTEM_%s=%s" % (lib.name.upper().replace("+", "X"), version.split("\n")[0]))
        links = []
        for i in includes:
            # e.g. /usr/include/postgresql: an include directory must be inside the repository.
            d = i[2:]
            ctx.symlink(d, "include/" + lib.name)
            links.append("include/" + lib.name)

        # First, so that the libraries a binary does not call stay out of its DT_NEEDED.
        shared = (["-Wl,--as-needed"] if linkopts else []) + linkopts + lib.linkopts
        static = shared
        static_defines = defines
        if lib.name in _STATIC:
            archives = [f for f in linkopts + lib.linkopts if f.startswith("-l") and f not in _NEVER_STATIC]
            static = ["-Wl,-Bstatic"] + archives + _STATIC[lib.name] + ["-Wl,-Bdynamic"]
        elif lib.name in _HEADER_ONLY:
            static = ["-lpthread"]
            static_defines = _HEADER_ONLY[lib.name]
        build.append("cc_library(\n    name = %r,\n    hdrs = glob([%s]),\n    includes = %r,\n    defines = %s,\n    linkopts = %s,\n    deps = %r,\n)\n" % (
            lib.name,
            ", ".join(["\"%s/**/*.h\"" % l for l in links]),
            links,
            _choose(static_defines, defines),
            _choose(static, shared),
            [":" + d for d in lib.deps],
        ))

    if missing:
        fail("\n\nSystem packages are missing:\n%s\nRun: ./dev setup\n or: apt-get install -y --no-install-recommends %s\n" % (
            "".join(["  %s  (%s)\n" % (p, why) for p, why in missing.items()]),
            " ".join(missing.keys()),
        ))
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    ctx.file("BUILD", "\n".join(build))

system_libraries = repository_rule(
    implementation = _system_impl,
    # Kept until PATH changes; after an apt upgrade run `bazel sync --configure`.
    configure = True,
    environ = ["PATH", "PKG_CONFIG_PATH"],
)
