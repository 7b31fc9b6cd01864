# shellcheck shell=bash
# The two builds. Package.swift makes warnings errors in our own targets.

# What both ask of SwiftPM; the same flags each time, since other flags would mean a new build.
build_flags=(--explicit-target-dependency-import-check error)

# The compiler's driver was once seen to wait for ever after an error: a build ends after this.
build_minutes_max=40

# build_debug: everything with its tests.
build_debug() { limited_build --build-tests; }

# build_release: both programs, with Swift's runtime inside: it calls it a tenth faster than a shared
# one (docs/performance.md) and runs where no Swift is installed.
build_release() {
    local program
    for program in berthd berth-agent; do
        limited_build --configuration release --product "$program" --static-swift-stdlib
    done
}

# limited_build ARGUMENT…: builds, or fails when it takes too long.
limited_build() {
    local status=0
    # In the foreground, so that Ctrl-C reaches it.
    timeout --foreground --kill-after=10 "${build_minutes_max}m" \
        swift build "${build_flags[@]}" "$@" || status=$?
    if ((status == 124)); then echo "the build was ended after $build_minutes_max minutes"; fi
    return "$status"
}

# release_folder: where build_release puts the programs.
release_folder() { swift build "${build_flags[@]}" --configuration release --show-bin-path; }
