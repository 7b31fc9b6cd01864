// swift-tools-version: 6.2
import PackageDescription

// A package of its own, which only scripts/fuzz builds: every target instrumented, and libFuzzer's main in
// the place of ours. All but the entries is compiled as FuzzTests of the main package too.
let package = Package(
    name: "fuzz",
    products: [
        .executable(name: "MessageFuzzer", targets: ["MessageFuzzer"]),
        .executable(name: "WebFuzzer", targets: ["WebFuzzer"]),
        .executable(name: "MetadataFuzzer", targets: ["MetadataFuzzer"]),
    ],
    dependencies: [.package(name: "berth", path: "../..")],
    targets: [
        .executableTarget(
            name: "MessageFuzzer",
            dependencies: [.product(name: "BerthMessages", package: "berth")]
        ),
        .executableTarget(
            name: "WebFuzzer",
            dependencies: [.product(name: "RPC", package: "berth")]
        ),
        .executableTarget(
            name: "MetadataFuzzer",
            dependencies: [.product(name: "RPC", package: "berth")]
        ),
    ]
)
