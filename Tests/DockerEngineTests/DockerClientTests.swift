import EventLoops
import TestSupport
import Testing

@testable import DockerEngine

@Suite(.timeLimit(.minutes(5))) struct DockerClientTests {
    private static let container = #"{"message":"No such container: c"}"#

    @Test func theVersionIsAgreedOnceAndStandsBeforeEachPath() async throws {
        let engine = try FakeEngine(
            answering: Answers.json(Self.container, status: "404 Not Found"))
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            #expect(docker.apiVersion == nil)
            #expect(try await docker.container("c") == nil)
            #expect(try await docker.volume("v") == nil)
            #expect(try await docker.removeContainer("c") == false)
            #expect(docker.apiVersion == APIVersion(1, 41))
        }
        let lines = engine.requests.map { String($0.prefix { !$0.isNewline }) }
        #expect(
            lines == [
                "GET /version HTTP/1.1", "GET /v1.41/containers/c/json HTTP/1.1",
                "GET /v1.41/volumes/v HTTP/1.1",
                "DELETE /v1.41/containers/c?v=false&force=false HTTP/1.1",
            ])
    }

    /// As Podman 4.3 does with volumes: who asks for spares would remove data.
    @Test func whatAnEngineListsWithoutAllOfTheLabelsIsLeftOut() async throws {
        let labels = { (role: String) in #""Labels":{"role":"\#(role)","server":"s"}"# }
        let volume = { (role: String) in
            #"{"Name":"\#(role)","Driver":"local","Mountpoint":"/m",\#(labels(role))}"#
        }
        let others = { (role: String) in
            #"{"Id":"\#(role)","Name":"\#(role)","Names":["/\#(role)"],"ImageID":"i","#
                + #""State":"stopped","Driver":"bridge",\#(labels(role))}"#
        }
        let volumes = #"{"Volumes":[\#(volume("data")),\#(volume("spare"))]}"#
        let lists = "[\(others("data")),\(others("spare"))]"
        let engine = try FakeEngine(afterVersion: { request in
            [.send(Answers.json(request.contains("/volumes") ? volumes : lists))]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let spares = ["role": "spare", "server": "s"]
            #expect(try await docker.volumes(labels: spares).map(\.name) == ["spare"])
            #expect(try await docker.networks(labels: spares).map(\.name) == ["spare"])
            let containers = try await docker.containers(labels: spares)
            #expect(containers.map(\.name) == ["spare"])
            // Podman's word for what has ended and is not tidied up.
            #expect(containers.first?.status == .exited)
            #expect(try await docker.volumes(labels: ["server": "other"]).isEmpty)
        }
    }

    @Test func whatPodmanMeansByAnErrorOfTheServerIsUnderstood() async throws {
        for (cause, status) in [
            ("no such container", 404), ("that name is already in use", 409),
            ("network is already connected", 403), ("something else", 500),
        ] {
            let body = #"{"cause":"\#(cause)","message":"c: \#(cause)","response":500}"#
            let engine = try FakeEngine(
                answering: Answers.json(body, status: "500 Internal Server Error"))
            try await onLoop { _, reactor in
                let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
                let error = await thrown { () throws(DockerError) in
                    try await docker.startContainer("c")
                }
                #expect(error?.status == status)
                #expect(error?.message == "c: \(cause)")
            }
        }
    }

    @Test func podmanIsToldFromDocker() async throws {
        let podman =
            #"{"Version":"4.3.1","ApiVersion":"1.41","MinAPIVersion":"1.24","#
            + #""Components":[{"Name":"Podman Engine"},{"Name":"Conmon"}]}"#
        for (answer, isPodman) in [(podman, true), (Answers.engineVersion, false)] {
            let engine = try FakeEngine { _ in [.send(Answers.json(answer))] }
            try await onLoop { _, reactor in
                let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
                #expect(try await docker.version().isPodman == isPodman)
            }
        }
    }

    @Test func anEngineThatIsTooOldIsIncompatible() async throws {
        let old = #"{"Version":"1.10","ApiVersion":"1.22","MinAPIVersion":"1.12"}"#
        let engine = try FakeEngine { _ in [.send(Answers.json(old))] }
        let error = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            return await thrown { () throws(DockerError) in try await docker.information() }
        }
        #expect(error?.kind == .incompatible)
        #expect(error?.message.contains("1.22") == true)
    }

    @Test func aBodyIsSentAsJSONWithItsLength() async throws {
        let volume = #"{"Name":"v","Driver":"local","Mountpoint":"/m","Labels":null}"#
        let engine = try FakeEngine(answering: Answers.json(volume, status: "201 Created"))
        let made = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            return try await docker.createVolume("v", labels: ["a": "1"])
        }
        #expect((made.name, made.mountpoint, made.labels) == ("v", "/m", [:]))
        let request = try #require(engine.requests.last)
        #expect(request.hasPrefix("POST /v1.41/volumes/create HTTP/1.1\r\n"))
        #expect(request.contains("Content-Type: application/json\r\n"))
        #expect(!request.contains("Expect:"))
        #expect(
            request.hasSuffix("\r\n\r\n" + #"{"Name":"v","Driver":"local","Labels":{"a":"1"}}"#))
    }

    @Test func aBodyOfManyMegabytesIsSentWhole() async throws {
        let engine = try FakeEngine(answering: Answers.json(#"{"Id":"c"}"#, status: "201 Created"))
        let id = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            var container = ContainerSpecification(name: "n", image: "i")
            container.labels = ["big": String(repeating: "x", count: 3_000_000)]
            return try await docker.createContainer(container)
        }
        #expect(id == "c")
        #expect(try #require(engine.requests.last).utf8.count > 3_000_000)
    }

    @Test func nobodyListeningIsUnreachableAndSaysWhere() async throws {
        let error = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: "/tmp/no-such-socket")
            return await thrown { () throws(DockerError) in try await docker.ping() }
        }
        #expect(error?.kind == .unreachable)
        #expect(error?.isTransient == true)
        #expect(error?.message.contains("/tmp/no-such-socket: connect: No such file") == true)
    }

    @Test func aSilentEngineEndsAtTheDeadline() async throws {
        let never = Signal()
        let engine = try FakeEngine(afterVersion: { _ in [.wait(never)] })
        let error = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let error = await thrown { () throws(DockerError) in
                try await docker.container("c", deadline: .milliseconds(50))
            }
            #expect(docker.requestCount == 0)
            return error
        }
        #expect(error?.kind == .timedOut)
    }

    @Test func anAnswerThatStopsHalfwayEndsAtTheDeadline() async throws {
        let never = Signal()
        let half = Array(Answers.json(#"{"Id":"0123456789"}"#).dropLast(5))
        let engine = try FakeEngine(afterVersion: { _ in [.send(half), .wait(never)] })
        let error = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            return await thrown { () throws(DockerError) in
                try await docker.container("c", deadline: .milliseconds(50))
            }
        }
        #expect(error?.kind == .timedOut)
    }

    @Test func cancellingATaskEndsItsRequestAndClosesItsConnection() async throws {
        let (arrived, never, gone) = (Signal(), Signal(), Signal())
        let engine = try FakeEngine(afterVersion: { _ in
            // Told that the peer went, the engine stops here.
            [.tell(arrived), .wait(never), .tell(gone)]
        })
        try await onLoop { loop, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let task = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                return await thrown { () throws(DockerError) in
                    try await docker.waitForContainer("c", deadline: .seconds(60))
                }
            }
            while !arrived.isSet { try await reactor.sleep(for: .milliseconds(1)) }
            task.cancel()
            let error = await task.value
            #expect(error?.kind == .cancelled)
            #expect(docker.requestCount == 0)
            // Other requests go on as before.
            #expect(try await docker.version().version == "20.10.24")
        }
        #expect(!gone.isSet)
    }

    @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
        let engine = try FakeEngine(afterVersion: { _ in [] })
        let error = try await onLoop { loop, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let task = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                try? await reactor.sleep(for: .seconds(60))
                return await thrown { () throws(DockerError) in try await docker.ping() }
            }
            task.cancel()
            return await task.value
        }
        #expect(error?.kind == .cancelled)
        #expect(engine.requests.isEmpty)
    }

    @Test func manyRequestsRunAtOnceAndNoMoreThanAllowed() async throws {
        let (go, limit) = (Signal(), 20)
        let engine = try FakeEngine(afterVersion: { request in
            let name = request.split(separator: " ")[1].split(separator: "/").last ?? ""
            let answer = Answers.json(
                #"{"Name":"\#(name)","Driver":"local","Mountpoint":"/m"}"#)
            return name == "first" ? [.send(answer)] : [.wait(go), .send(answer)]
        })
        try await onLoop { loop, reactor in
            var limits = DockerLimits()
            limits.requestsAtOnceMax = limit
            let docker = try DockerClient(
                reactor: reactor, socketPath: engine.path, limits: limits)
            // Agrees on the version first, so that each task below is one request.
            #expect(try await docker.volume("first")?.name == "first")
            var tasks: [Task<String?, Never>] = []
            for number in 0..<limit {
                tasks.append(
                    Task.immediate(executorPreference: loop.executor) {
                        _ = loop
                        return try? await docker.volume("v\(number)")?.name
                    })
            }
            while docker.requestCount < limit { try await reactor.sleep(for: .milliseconds(1)) }
            let refused = await thrown { () throws(DockerError) in try await docker.volume("more") }
            #expect(refused?.kind == .overloaded)
            go.set()
            for (number, task) in tasks.enumerated() { #expect(await task.value == "v\(number)") }
            #expect(docker.requestCount == 0)
        }
    }

    @Test func theLoopGoesOnWhileAnEngineIsSlow() async throws {
        let engine = try FakeEngine(afterVersion: { _ in
            [.dribble(Answers.json(#"{"Name":"v","Driver":"local","Mountpoint":"/m"}"#))]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            #expect(try await docker.volume("v")?.name == "v")
        }
    }

    @Test func aConnectionIsUsedAgainAndADeadOneReplaced() async throws {
        let engine = try FakeEngine { request in
            let answer = FakeEngine.Step.send(Answers.json(Answers.engineVersion))
            return request.contains("/info ") ? [.close] : [answer]
        }
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            for _ in 0..<3 { _ = try await docker.version() }
            let error = await thrown { () throws(DockerError) in try await docker.information() }
            #expect(error?.kind == .interrupted)
            #expect(try await docker.version().version == "20.10.24")
        }
    }
}
