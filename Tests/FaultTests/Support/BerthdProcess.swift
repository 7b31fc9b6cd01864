import EventLoops
import Glibc
import TestSupport

/// The real program as a process of its own, serving on a port that the system chose.
final class BerthdProcess {
    /// The program.
    let program: RunningProgram
    /// Where it listens.
    let port: UInt16

    /// Starts `berthd serve` and waits until it serves.
    static func start(
        _ stage: Stage, databaseURL: String
    ) async throws -> BerthdProcess {
        let program = try RunningProgram(
            [
                path, "serve", "--listen", "127.0.0.1:0", "--loops", "1",
                "--services-per-workspace-max", "1000000",
                "--deployments-waiting-per-server-max", "1000000",
            ],
            environment: [
                "BERTH_DATABASE_URL": databaseURL,
                "BERTH_MASTER_KEY_FILE": stage.masterKeyFile,
            ])
        var port: UInt16?
        try await stage.eventually(within: .seconds(120)) {
            port = listeningPort(program.text)
            guard port != nil || program.isRunning else {
                throw CannotStart(text: program.text)
            }
            return port != nil
        }
        return BerthdProcess(program, port: port ?? 0)
    }

    private init(_ program: RunningProgram, port: UInt16) {
        self.program = program
        self.port = port
    }

    /// It ended instead of serving.
    struct CannotStart: Error {
        let text: String
    }

    /// The release program that `scripts/test` names, else the one that was built with the tests.
    static let path: String = {
        if let path = getenv("BERTH_TEST_BERTHD") { return String(cString: path) }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let bytes = buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        let own = String(decoding: bytes, as: UTF8.self)
        return own[..<(own.lastIndex(of: "/") ?? own.endIndex)] + "/berthd"
    }()

    /// Reads `address=127.0.0.1:PORT` in the line that says that it serves.
    private static func listeningPort(_ log: String) -> UInt16? {
        for line in log.split(separator: "\n") where line.hasSuffix("serving") {
            for field in line.split(separator: " ") where field.hasPrefix("address=") {
                return field.split(separator: ":").last.flatMap { UInt16($0) }
            }
        }
        return nil
    }
}
