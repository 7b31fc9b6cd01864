import Dispatch
import Foundation
public import Glibc
import Synchronization

/// A program that runs beside the test; killed at the latest when this object goes.
public final class RunningProgram: Sendable {
    /// Its process.
    public let process: pid_t
    private let output: Int32

    /// Starts a program found on the PATH.
    ///
    /// - Parameter environment: Added to this process's own.
    public init(_ command: [String], environment: [String: String] = [:]) throws {
        var template = Array("/tmp/berth-test-out-XXXXXX".utf8CString)
        output = mkstemp(&template)
        guard output >= 0 else { throw CommandFailed(text: "mkstemp failed") }
        _ = fcntl(output, F_SETFD, FD_CLOEXEC)
        unlink(template)
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(input) }
        let variables = environment.map { "\($0.key)=\($0.value)" }
        process = try RunningProgram.spawn(
            ["setpriv", "--pdeathsig", "KILL", "env"] + variables + command, input: input,
            output: output)
    }

    /// Starts a program that is killed when this process ends: by the kernel, when the thread that
    /// started it does, and so on a thread that stays as long as the program. (Those of a pool go when
    /// they have nothing to do.)
    private static func spawn(_ command: [String], input: Int32, output: Int32) throws -> pid_t {
        let outcome = Mutex<Result<pid_t, any Error>?>(nil)
        let isSpawned = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let result = Result { try Command.spawn(command, input: input, output: output) }
            outcome.withLock { $0 = result }
            isSpawned.signal()
            guard case .success(let process) = result else { return }
            var information = siginfo_t()
            while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0,
                errno == EINTR
            {}
        }
        isSpawned.wait()
        guard let result = outcome.withLock({ $0 }) else {
            throw CommandFailed(text: "\(command): the thread said nothing")
        }
        return try result.get()
    }

    deinit {
        kill()
        waitpid(process, nil, 0)
        close(output)
    }

    /// What it wrote so far, standard output and error in one.
    public var text: String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = pread(output, &chunk, chunk.count, off_t(bytes.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// Whether it has not ended yet.
    public var isRunning: Bool {
        var information = siginfo_t()
        let code = waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
        return code == 0 && information.si_signo != SIGCHLD
    }

    /// Ends it by SIGKILL, unless it has ended, and waits for its end.
    public func kill() {
        guard isRunning else { return }
        _ = Glibc.kill(process, SIGKILL)
        _ = exitCode()
    }

    /// Sends it a signal.
    public func signal(_ signal: Int32) { _ = Glibc.kill(process, signal) }

    /// Waits for its end; 128 and the signal's number when one ended it.
    @discardableResult
    public func exitCode() -> Int32 {
        // The process stays waitable, so that its number is nobody else's while this object lives.
        var information = siginfo_t()
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        let status = information._sifields._sigchld.si_status
        return information.si_code == Int32(CLD_EXITED) ? status : 128 + status
    }

    /// Bytes of memory that `/proc` tells of it: `VmRSS` now, `VmHWM` at most.
    public func memoryBytes(_ field: String) throws -> Int {
        let status = try Command.run(["cat", "/proc/\(process)/status"])
        for line in status.split(separator: "\n") where line.hasPrefix("\(field):") {
            let parts = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if parts.count > 1, let kibibytes = Int(parts[1]) { return kibibytes * 1024 }
        }
        throw CommandFailed(text: "no \(field) of process \(process)")
    }
}
