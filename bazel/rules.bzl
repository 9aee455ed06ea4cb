"""cc_library, cc_binary and cc_test with the project's defaults in one place."""

def ab_library(name, deps = [], **kwargs):
    """A cc_library that is linked statically into its users."""
    native.cc_library(name = name, deps = deps, linkstatic = True, **kwargs)

def ab_binary(name, deps = [], **kwargs):
    native.cc_binary(name = name, deps = deps, linkstatic = True, **kwargs)

def ab_test(name, deps = [], size = "small", **kwargs):
    """A cc_test with GoogleMock's main. size: small (60 s), medium (300 s)."""
    native.cc_test(
        name = name,
        size = size,
        deps = deps + ["@system//:gmock_main"],
        linkstatic = True,
        **kwargs
    )
