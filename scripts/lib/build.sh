# shellcheck shell=bash
# The two builds. Package.swift makes warnings errors in our own targets.

# What both ask of SwiftPM; the same flags each time, since other flags would mean a new build.
build_flags=(--explicit-target-dependency-import-check error)

# build_debug: everything with its tests.
build_debug() { swift build "${build_flags[@]}" --build-tests; }

# build_release: the program.
build_release() { swift build "${build_flags[@]}" --configuration release --product berthd; }

# release_folder: where build_release puts the program.
release_folder() { swift build "${build_flags[@]}" --configuration release --show-bin-path; }
