# shellcheck shell=bash
# The Swift files that people write: everything but generated code.

# swift_sources: their paths, each ended by a NUL.
swift_sources() {
    find Package.swift Sources Tests -name '*.swift' -not -path '*/Generated/*' -print0
}
