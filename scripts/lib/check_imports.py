"""Compares each Swift file's imports with what its target declares and with the house's walls.

    swift package dump-package | check_imports.py ROOT

SwiftPM's own check misses what arrives through another module; this one reads the files. Prints
each violation as FILE:LINE: REASON and exits with 1 when there is any.
"""

import fnmatch
import json
import pathlib
import sys

import swift_source

# Who may import what comes with the toolchain. Sources do without Foundation and Dispatch.
PLATFORM = {"Swift", "Glibc", "Synchronization"}
PLATFORM_OF_TESTS = PLATFORM | {"Dispatch", "Foundation", "Testing"}

# Each C library has its wrapper, and nobody else sees it.
WRAPPERS = {
    "CBerthProto": {"BerthMessages", "Messages", "StandardMessages"},
    "CCurl": {"DockerEngine"},
    "CLibPQ": {"PostgresClient"},
    "CLinux": {"EventLoops"},
    "CNghttp2": {"HTTP2"},
    "COpenSSL": {"Cryptography", "TLS"},
    "CProtobufC": {"BerthMessages", "CBerthProto", "Messages", "StandardMessages"},
    "CZlib": {"RPC"},
}

# In a domain module, the files that may see these; a name is matched without what follows a plus.
ROOMS = {
    "SQL": ["Postgres*Store.swift"],
    "RPC": ["*Handler.swift", "*Module.swift"],
    "Messages": ["*Handler.swift", "*Module.swift"],
    "StandardMessages": ["*Handler.swift", "*Module.swift"],
    "BerthMessages": ["*Handler.swift", "*Module.swift"],
}

# Where else SQL is read: the composition root's migrations and bootstrap, the agent's login probe.
SQL_READERS = {"AgentCore", "ControlPlane"}


class Target:
    """One target of the package manifest."""

    def __init__(self, declared):
        self.name = declared["name"]
        self.kind = declared["type"]
        self.dependencies = {_dependency_name(item) for item in declared["dependencies"]}
        folder = "Tests" if self.kind == "test" else "Sources"
        self.path = declared.get("path") or f"{folder}/{self.name}"
        # Some under Tests are no test targets, yet only tests use them.
        self.is_for_tests = self.path.startswith("Tests/")

    @property
    def is_module(self):
        """Whether this is a domain module: it has a store, and is not the composition root."""
        return (
            not self.is_for_tests
            and self.name not in SQL_READERS
            and {"Domain", "SQL"} <= self.dependencies
        )


def _dependency_name(item):
    """The module's name in `{"byName": [NAME, …]}`, `{"product": …}` or `{"target": …}`."""
    return next(iter(item.values()))[0]


def check(manifest, root):
    """All violations, as lines of text."""
    targets = [Target(declared) for declared in manifest["targets"]]
    modules = {target.name for target in targets if target.is_module}
    found = []
    for target in targets:
        found += _declared(target, modules)
        for file in sorted((root / target.path).rglob("*.swift")):
            source = file.read_text(encoding="utf-8")
            for line, imported in swift_source.imports(source):
                for reason in _refusals(target, file.name, imported, modules):
                    found.append(f"{file.relative_to(root)}:{line}: {reason}")
    return found


def _declared(target, modules):
    """Violations in the manifest itself."""
    found = []
    for dependency in sorted(target.dependencies):
        wrapper_only = dependency in WRAPPERS and target.name not in WRAPPERS[dependency]
        if wrapper_only and not target.is_for_tests:
            found.append(f"Package.swift: {target.name} may not depend on {dependency}")
        if target.is_module and dependency in modules:
            found.append(f"Package.swift: the module {target.name} depends on {dependency}")
    return found


def _refusals(target, file_name, imported, modules):
    """Why `imported` may not stand in that file of that target; empty when it may."""
    platform = PLATFORM_OF_TESTS if target.is_for_tests else PLATFORM
    if imported in platform:
        return []
    if imported not in target.dependencies:
        return [f"{target.name} does not declare {imported} in Package.swift"]
    if target.is_for_tests:
        return []
    if imported in WRAPPERS and target.name not in WRAPPERS[imported]:
        return [f"only {', '.join(sorted(WRAPPERS[imported]))} may import {imported}"]
    if target.is_module:
        if imported in modules:
            return [f"a module never imports another module ({imported})"]
        plain = file_name.split("+")[0].removesuffix(".swift") + ".swift"
        rooms = ROOMS.get(imported)
        if rooms and not any(fnmatch.fnmatch(plain, room) for room in rooms):
            return [f"in a module only {' and '.join(rooms)} may import {imported}"]
    elif imported == "SQL" and target.name not in SQL_READERS:
        return [f"only Postgres*Store.swift and {', '.join(SQL_READERS)} may import SQL"]
    return []


if __name__ == "__main__":
    violations = check(json.load(sys.stdin), pathlib.Path(sys.argv[1]))
    print("\n".join(violations) if violations else "imports: every file keeps to its walls")
    sys.exit(1 if violations else 0)
