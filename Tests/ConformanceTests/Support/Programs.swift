import Foundation

/// The programs that these tests drive; `scripts/test` builds or installs them and says where they
/// are.
enum Programs {
    /// The server under test.
    static var interopServer: String { get throws { try path("BERTH_TEST_INTEROP_SERVER") } }
    /// A Python with grpcio, grpcio-tools, h2 and hyperframe.
    static var python: String { get throws { try path("BERTH_TEST_PYTHON") } }
    /// The root of this repository.
    static var repository: String { get throws { try path("BERTH_TEST_REPOSITORY") } }
    /// The folder of the foreign clients that `scripts/test` compiles.
    static var peers: String { get throws { try path("BERTH_TEST_PEERS") } }
    /// One of this target's Python scripts.
    static func script(_ name: String) throws -> String {
        try "\(repository)/Tests/ConformanceTests/Python/\(name)"
    }

    /// A variable that `scripts/test` sets is not there, or names nothing.
    struct Missing: Error, CustomStringConvertible {
        let variable: String

        var description: String {
            "\(variable) is not set, or names nothing; run: scripts/test --filter ConformanceTests"
        }
    }

    private static func path(_ variable: String) throws(Missing) -> String {
        guard let path = ProcessInfo.processInfo.environment[variable],
            FileManager.default.fileExists(atPath: path)
        else { throw Missing(variable: variable) }
        return path
    }
}
