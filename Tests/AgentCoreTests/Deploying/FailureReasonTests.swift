import DockerEngine
import Testing

@testable import AgentCore

@Suite struct FailureReasonTests {
    @Test("every reason is written as programs expect it, and has a hint in plain English")
    func hints() {
        for reason in FailureReason.allCases {
            #expect(reason.rawValue.allSatisfy { $0.isUppercase || $0 == "_" })
            #expect(reason.hint.hasSuffix("."))
            #expect(reason.hint.count > 30)
        }
    }

    @Test(
        "a failed pull says why",
        arguments: [
            (
                DockerError(.refused, operation: "pull", status: 404, message: "x"),
                "IMAGE_NOT_FOUND"
            ),
            (
                DockerError(.failed, operation: "pull", message: "manifest unknown"),
                "IMAGE_NOT_FOUND"
            ),
            (
                DockerError(
                    .failed, operation: "pull", message: "pull access denied for x"),
                "IMAGE_NOT_FOUND"
            ),
            (DockerError(.timedOut, operation: "pull", message: "x"), "PULL_TIMEOUT"),
            (
                DockerError(.failed, operation: "pull", message: "write: no space left on device"),
                "DISK_FULL"
            ),
            (DockerError(.refused, operation: "pull", status: 500, message: "EOF"), "PULL_FAILED"),
            (DockerError(.unreachable, operation: "pull", message: "x"), "DOCKER_UNAVAILABLE"),
        ])
    func pulls(error: DockerError, reason: String) {
        #expect(JobFailed(pulling: "postgres:16", error).reason.rawValue == reason)
    }

    @Test(
        "a failed call of the engine says why",
        arguments: [
            (DockerError(.unreachable, operation: "x", message: "x"), "DOCKER_UNAVAILABLE"),
            (DockerError(.interrupted, operation: "x", message: "x"), "DOCKER_UNAVAILABLE"),
            (DockerError(.timedOut, operation: "x", message: "x"), "DOCKER_UNAVAILABLE"),
            (DockerError(.refused, operation: "x", status: 409, message: "x"), "DOCKER_REFUSED"),
            (
                DockerError(
                    .refused, operation: "x", status: 500, message: "No space left on device"),
                "DISK_FULL"
            ),
            (DockerError(.malformed, operation: "x", message: "x"), "DOCKER_REFUSED"),
            (
                DockerError(
                    .refused, operation: "x", status: 500,
                    message: "could not find an available, non-overlapping IPv4 address pool"),
                "NETWORKS_EXHAUSTED"
            ),
            (
                DockerError(
                    .refused, operation: "x", status: 500,
                    message: "could not find free subnet from subnet pools"),
                "NETWORKS_EXHAUSTED"
            ),
        ])
    func calls(error: DockerError, reason: String) {
        #expect(JobFailed(error).reason.rawValue == reason)
    }

    @Test(
        "a container's end says why",
        arguments: [
            (Int64(1), false, "FATAL: bad setting", "CONTAINER_EXITED"),
            (137, true, "", "OUT_OF_MEMORY"),
            (1, false, "could not write: No space left on device", "DISK_FULL"),
        ])
    func ends(code: Int64, outOfMemory: Bool, line: String, reason: String) {
        var details = EngineContainerDetails(id: "c", status: .exited)
        details.exitCode = code
        details.wasOutOfMemory = outOfMemory
        let failed = JobFailed(ended: details, lines: line.isEmpty ? [] : [line])
        #expect(failed.reason.rawValue == reason)
        #expect(failed.message.contains(line.isEmpty ? "It wrote nothing." : line))
    }

    @Test("a start that Docker refuses is told in Docker's words")
    func starts() {
        let error = DockerError(
            .refused, operation: "start container", status: 500, message: "exec: no such file")
        #expect(JobFailed(starting: error).reason == .startFailed)
        #expect(JobFailed(starting: error).message.contains("exec: no such file"))
    }

    @Test("what we do not know is told by its type alone")
    func unknown() {
        struct Strange: Error { let secret = "s3cret" }
        #expect(JobFailed(any: Strange()).reason == .internalFault)
        #expect(!JobFailed(any: Strange()).message.contains("s3cret"))
    }
}
