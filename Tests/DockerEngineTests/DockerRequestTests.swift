import Testing

@testable import DockerEngine

@Suite struct DockerRequestTests {
    @Test func aContainerIsCreatedWithNothingButWhatItNeeds() throws {
        var container = ContainerSpecification(name: "berth-1", image: "postgres:16")
        container.environment = ["POSTGRES_USER": "app", "POSTGRES_PASSWORD": "s=cret"]
        container.command = ["postgres", "-c", "fsync=on"]
        container.user = "70:70"
        container.labels = ["berth.service": "s1", "berth.deployment": "d1"]
        container.mounts = [
            VolumeMount(volume: "data", path: "/data"),
            VolumeMount(volume: "ro", path: "/ro", isReadOnly: true, copiesImageContent: false),
        ]
        container.memoryFileSystems = ["/tmp": "size=64m"]
        container.network = NetworkAttachment(network: "env", aliases: ["db", "postgres"])
        container.nameServers = ["192.0.2.1", "192.0.2.2"]
        container.restartPolicy = .onFailure(max: 3)
        container.resources.nanoCPUs = 1_500_000_000
        container.resources.memoryBytes = 536_870_912
        container.resources.memoryAndSwapBytes = 536_870_912
        container.resources.processesMax = 256
        container.resources.sharedMemoryBytes = 134_217_728
        container.logs = LogRetention(fileBytesMax: 1_048_576, filesMax: 2)
        container.capabilities = ["CHOWN", "SETUID"]
        container.hasReadOnlyRoot = true
        container.stopSignal = "SIGINT"
        container.stopTimeout = .milliseconds(29_500)

        let request = DockerRequest.createContainer(container)
        #expect(request.method == .post)
        #expect(request.target == "/containers/create?name=berth-1")
        let expected =
            #"{"Image":"postgres:16","Env":["POSTGRES_PASSWORD=s=cret","POSTGRES_USER=app"],"#
            + #""Labels":{"berth.deployment":"d1","berth.service":"s1"},"#
            + #""Healthcheck":{"Test":["NONE"]},"Tty":false,"OpenStdin":false,"#
            + #""Cmd":["postgres","-c","fsync=on"],"User":"70:70","StopSignal":"SIGINT","#
            + #""StopTimeout":30,"HostConfig":{"NetworkMode":"env","Mounts":["#
            + #"{"Type":"volume","Source":"data","Target":"/data","ReadOnly":false,"#
            + #""VolumeOptions":{"NoCopy":false}},"#
            + #"{"Type":"volume","Source":"ro","Target":"/ro","ReadOnly":true,"#
            + #""VolumeOptions":{"NoCopy":true}}],"#
            + #""RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3},"#
            + #""LogConfig":{"Type":"json-file","Config":{"max-size":"1048576","max-file":"2"}},"#
            + #""Privileged":false,"PublishAllPorts":false,"CapDrop":["ALL"],"#
            + #""CapAdd":["CHOWN","SETUID"],"SecurityOpt":["no-new-privileges:true"],"#
            + #""ReadonlyRootfs":true,"Tmpfs":{"/tmp":"size=64m"},"#
            + #""Dns":["192.0.2.1","192.0.2.2"],"NanoCpus":1500000000,"#
            + #""Memory":536870912,"MemorySwap":536870912,"PidsLimit":256,"ShmSize":134217728},"#
            + #""NetworkingConfig":{"EndpointsConfig":{"env":{"Aliases":["db","postgres"]}}}}"#
        #expect(String(decoding: try #require(request.body).bytes, as: UTF8.self) == expected)
    }

    @Test func aContainerGetsNoNetworkAndNoRightsUnlessToldSo() {
        let request = DockerRequest.createContainer(ContainerSpecification(name: "n", image: "i"))
        let expected = DockerRequest(
            "create container", .post, "/containers/create",
            query: [.init("name", "n")],
            body: .json([
                "Image": "i", "Env": .array([]), "Labels": .object([]),
                "Healthcheck": ["Test": ["NONE"]], "Tty": false, "OpenStdin": false,
                "HostConfig": [
                    "NetworkMode": "none", "Mounts": .array([]), "RestartPolicy": ["Name": "no"],
                    "LogConfig": [
                        "Type": "json-file",
                        "Config": ["max-size": "10485760", "max-file": "3"],
                    ],
                    "Privileged": false, "PublishAllPorts": false, "CapDrop": ["ALL"],
                    "CapAdd": .array([]), "SecurityOpt": ["no-new-privileges:true"],
                    "ReadonlyRootfs": false,
                ],
            ]))
        #expect(request == expected)
    }

    @Test func lifeOfAContainer() {
        let life: [(DockerRequest, DockerRequest.Method, String)] = [
            (.startContainer("a"), .post, "/containers/a/start"),
            (
                .stopContainer("a", gracePeriod: .seconds(30), signal: nil), .post,
                "/containers/a/stop?t=30"
            ),
            (
                .stopContainer("a", gracePeriod: .milliseconds(1), signal: "SIGINT"), .post,
                "/containers/a/stop?t=1&signal=SIGINT"
            ),
            (.killContainer("a", signal: "SIGKILL"), .post, "/containers/a/kill?signal=SIGKILL"),
            (.renameContainer("a", to: "b"), .post, "/containers/a/rename?name=b"),
            (
                .removeContainer("a", force: true), .delete,
                "/containers/a?v=false&force=true"
            ),
            (.inspectContainer("a"), .get, "/containers/a/json"),
            (
                .waitForContainer("a", .nextExit), .post,
                "/containers/a/wait?condition=next-exit"
            ),
            (
                .logs(of: "a", LogSelection()), .get,
                "/containers/a/logs?stdout=true&stderr=true&follow=false&timestamps=false&tail=all"
            ),
            (
                .logs(
                    of: "a",
                    LogSelection(
                        tail: 5, sinceNanoseconds: 1_000_000_007, follows: true,
                        hasTimestamps: true)), .get,
                "/containers/a/logs?stdout=true&stderr=true&follow=true&timestamps=true&tail=5"
                    + "&since=1.000000007"
            ),
            (
                .listContainers(labels: ["b": "2", "a": "1"]), .get,
                "/containers/json?all=true&filters=%7B%22label%22%3A%5B%22a%3D1%22%2C%22b%3D2%22%5D%7D"
            ),
        ]
        for (request, method, target) in life {
            #expect(request.method == method)
            #expect(request.target == target)
            #expect(request.body == nil)
        }
    }

    @Test func networks() {
        let network = NetworkSpecification(
            name: "env", labels: ["l": "1"], isInternal: true,
            options: ["com.docker.network.bridge.enable_icc": "true"])
        let expected = DockerRequest(
            "create network", .post, "/networks/create",
            body: .json([
                "Name": "env", "CheckDuplicate": true, "Driver": "bridge", "Internal": true,
                "Attachable": false, "EnableIPv6": false,
                "Options": ["com.docker.network.bridge.enable_icc": "true"],
                "Labels": ["l": "1"],
            ]))
        #expect(DockerRequest.createNetwork(network) == expected)
        #expect(
            DockerRequest.connect("c", to: "env", aliases: ["db"])
                == DockerRequest(
                    "connect container", .post, "/networks/env/connect",
                    body: .json(["Container": "c", "EndpointConfig": ["Aliases": ["db"]]])))
        #expect(
            DockerRequest.disconnect("c", from: "env", force: true)
                == DockerRequest(
                    "disconnect container", .post, "/networks/env/disconnect",
                    body: .json(["Container": "c", "Force": true])))
        #expect(DockerRequest.inspectNetwork("env").target == "/networks/env")
        #expect(DockerRequest.removeNetwork("env").method == .delete)
        #expect(DockerRequest.listNetworks(labels: [:]).target == "/networks")
    }

    @Test func volumesAndImages() throws {
        let volume = DockerRequest(
            "create volume", .post, "/volumes/create",
            body: .json(["Name": "v", "Driver": "local", "Labels": ["l": "1"]]))
        #expect(DockerRequest.createVolume("v", labels: ["l": "1"]) == volume)
        #expect(DockerRequest.removeVolume("v").target == "/volumes/v")
        let digest = "sha256:" + String(repeating: "a", count: 64)
        let tagged = try #require(ImageReference("registry:5000/team/db:1.2"))
        let pinned = try #require(ImageReference("postgres@\(digest)"))
        #expect(
            DockerRequest.pullImage(tagged).target
                == "/images/create?fromImage=registry%3A5000%2Fteam%2Fdb&tag=1.2")
        #expect(
            DockerRequest.pullImage(pinned).query == [
                .init("fromImage", "postgres"), .init("tag", digest),
            ])
        #expect(
            DockerRequest.inspectImage("registry:5000/db:1").target
                == "/images/registry:5000/db:1/json")
        #expect(
            DockerRequest.tagImage("postgres:16", as: tagged).target
                == "/images/postgres:16/tag?repo=registry%3A5000%2Fteam%2Fdb&tag=1.2")
    }

    @Test func eventsSinceAMomentWithFilters() {
        let filters = EventFilters(types: ["container"], actions: ["die"], labels: ["a": "1"])
        #expect(
            DockerRequest.events(filters, sinceNanoseconds: 12_000_000_345).query == [
                .init("since", "12.000000345"),
                .init("filters", #"{"type":["container"],"event":["die"],"label":["a=1"]}"#),
            ])
        #expect(DockerRequest.events(EventFilters(), sinceNanoseconds: nil).target == "/events")
    }

    @Test func namesCannotLeaveTheirPlaceInThePath() {
        #expect(
            DockerRequest.inspectContainer("../a?b#c%d e").target
                == "/containers/..%2Fa%3Fb%23c%25d%20e/json")
        #expect(DockerRequest.inspectVolume("\u{E9}\n").target == "/volumes/%C3%A9%0A")
    }

    @Test func nothingPrintedShowsTheBody() {
        var container = ContainerSpecification(name: "n", image: "i")
        container.environment = ["PASSWORD": "hunter2"]
        let request = DockerRequest.createContainer(container)
        var dumped = ""
        dump(request, to: &dumped)
        dump(container, to: &dumped)
        for text in ["\(request)", "\(container)", String(reflecting: request), dumped] {
            #expect(!text.contains("hunter2"))
        }
    }
}
