import Foundation

/// The programs that these tests drive; `scripts/test` builds or installs them and says where they
/// are.
enum Programs {
    /// The release build of Berth's control plane.
    static var berthd: String { get throws { try path("BERTH_TEST_BERTHD") } }
    /// The release build of Berth's agent.
    static var agent: String { get throws { try path("BERTH_TEST_AGENT") } }
    /// A gRPC client that knows only what reflection tells.
    static var grpcurl: String { get throws { try path("BERTH_TEST_GRPCURL") } }
    /// Another gRPC client, by other people.
    static var buf: String { get throws { try path("BERTH_TEST_BUF") } }
    /// A Python with grpcio and grpcio-tools.
    static var python: String { get throws { try path("BERTH_TEST_PYTHON") } }
    /// A web server that stands in front of berthd.
    static var caddy: String { get throws { try path("BERTH_TEST_CADDY") } }
    /// A proxy that speaks gRPC-Web for berthd.
    static var envoy: String { get throws { try path("BERTH_TEST_ENVOY") } }
    /// A browser.
    static var chromium: String { get throws { try path("BERTH_TEST_CHROMIUM") } }
    /// Podman with its network netavark.
    static var podman: String { get throws { try path("BERTH_TEST_PODMAN") } }
    /// The root of this repository.
    static var repository: String { get throws { try path("BERTH_TEST_REPOSITORY") } }
    /// The folder of PostgreSQL's own programs.
    static var postgresBinaries: String { get throws { try path("BERTH_TEST_POSTGRES_BIN") } }

    static let variables = [
        "BERTH_TEST_BERTHD", "BERTH_TEST_AGENT", "BERTH_TEST_GRPCURL", "BERTH_TEST_BUF",
        "BERTH_TEST_PYTHON",
        "BERTH_TEST_REPOSITORY", "BERTH_TEST_POSTGRES_BIN", "BERTH_TEST_CADDY",
        "BERTH_TEST_ENVOY", "BERTH_TEST_CHROMIUM",
    ]

    /// A variable that `scripts/test` sets is not there, or names nothing.
    struct Missing: Error, CustomStringConvertible {
        let variable: String
        let path: String?

        var description: String {
            let why = path.map { "names \($0), which is not there" } ?? "is not set"
            return "\(variable) \(why): the end-to-end tests need the release program and foreign "
                + "clients; run: scripts/test --filter EndToEndTests"
        }
    }

    /// A variable that names no file.
    static func value(_ variable: String) throws(Missing) -> String {
        guard let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty else {
            throw Missing(variable: variable, path: nil)
        }
        return value
    }

    static func path(_ variable: String) throws(Missing) -> String {
        guard let path = ProcessInfo.processInfo.environment[variable], !path.isEmpty else {
            throw Missing(variable: variable, path: nil)
        }
        guard FileManager.default.fileExists(atPath: path) else {
            throw Missing(variable: variable, path: path)
        }
        return path
    }
}
