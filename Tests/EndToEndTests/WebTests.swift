import Testing

/// gRPC-Web: `buf curl` and a page in a real browser, straight to berthd and through the proxies that
/// `scripts/proxy` has configurations for.
@Suite struct WebTests {
    private static let list = "berth.controlplane.v1.ServiceService/ListDatabaseTemplates"

    /// A call of `buf curl` by gRPC-Web.
    private static func bufCurl(
        _ url: String, _ method: String, _ token: String, _ arguments: [String] = [],
        request: String = "{}"
    ) throws -> ChildProcess.Finished {
        try ChildProcess.run(bufCurlCommand(url, method, token, arguments), input: request)
    }

    private static func bufCurlCommand(
        _ url: String, _ method: String, _ token: String, _ arguments: [String]
    ) throws -> [String] {
        [
            try Programs.buf, "curl", "--protocol", "grpcweb", "--schema", try Programs.repository,
            "--timeout", "60s", "-H", "authorization: Bearer \(token)", "--data", "@-",
        ] + arguments + ["\(url)/\(method)"]
    }

    @Test("buf curl calls by gRPC-Web without a proxy, and reads the details of an error")
    func bufCurlDirectly() throws {
        let stage = try Stage.shared()
        let token = stage.installation.ownerToken
        let url = "http://\(stage.server.address)"
        let arguments = ["--http2-prior-knowledge"]
        let listed = try Self.bufCurl(url, Self.list, token, arguments)
        #expect(listed.exitCode == 0, "\(listed.standardError)")
        #expect(
            try JSON(parsing: listed.standardOutput)["templates"].elements.first?["id"]
                == "postgres")
        let refused = try Self.bufCurl(
            url, "berth.controlplane.v1.ServiceService/CreateDatabaseService", token, arguments,
            request: #"{"environmentId": "x"}"#)
        // INVALID_ARGUMENT, times 8.
        #expect(refused.exitCode == 3 << 3)
        #expect(
            try JSON(parsing: refused.standardError)["details"].elements.contains {
                $0["type"] == "google.rpc.BadRequest"
            })
    }

    @Test(
        "through a proxy: gRPC-Web over HTTP/1.1, errors, and a stream",
        arguments: Proxy.Kind.allCases)
    func throughProxy(_ kind: Proxy.Kind) throws {
        let stage = try Stage.shared()
        let proxy = try Proxy(kind, to: stage.server)
        let token = stage.installation.ownerToken
        let listed = try Self.bufCurl(proxy.url, Self.list, token)
        #expect(listed.exitCode == 0, "\(listed.standardError) \(proxy.log)")
        #expect(listed.standardOutput.contains("postgres"))
        let unknown = try Self.bufCurl(
            proxy.url, "berth.controlplane.v1.ServiceService/GetService", token,
            request: #"{"serviceId": "018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a34"}"#)
        #expect(unknown.exitCode == 5 << 3, "\(unknown.standardError)")
        #expect(unknown.standardError.contains("no such service"))
        // The first message comes at once though the stream never ends.
        let watched = try ChildProcess(
            Self.bufCurlCommand(
                proxy.url, "grpc.health.v1.Health/Watch", token, ["--timeout", "600s"]),
            input: "{}")
        try eventually("the first message: \(proxy.log)") {
            if watched.hasEnded {
                throw ChildProcess.Failed(description: "buf curl: \(watched.standardError)")
            }
            return watched.standardOutput.contains("SERVING")
        }
        #expect(!watched.hasEnded)
    }

    @Test(
        "a stream that says nothing for longer than a proxy waits by itself goes on until its deadline",
        arguments: Proxy.Kind.allCases)
    func quietStream(_ kind: Proxy.Kind) throws {
        let stage = try Stage.shared()
        let proxy = try Proxy(kind, to: stage.server)
        // A route of Envoy's ends after 15 seconds when its configuration does not say otherwise.
        let began = ContinuousClock.now
        let watched = try Self.bufCurl(
            proxy.url, "grpc.health.v1.Health/Watch", stage.installation.ownerToken,
            ["--timeout", "18s"])
        #expect(watched.standardOutput.contains("SERVING"), "\(watched.standardError)")
        // DEADLINE_EXCEEDED: its own end, not the proxy's.
        #expect(watched.exitCode == 4 << 3, "\(watched.standardError) \(proxy.log)")
        #expect(ContinuousClock.now - began >= .seconds(17))
    }

    @Test(
        "Caddy for a public name has a certificate by itself, and sends who comes without TLS there"
    )
    func automaticHTTPS() throws {
        let stage = try Stage.shared()
        let name = "berth.example"
        let proxy = try Proxy(caddyFor: name, to: stage.server)
        func check(_ arguments: [String]) throws -> ChildProcess.Finished {
            try ChildProcess.run(
                [Programs.grpcurl, "-max-time", "60", "-authority", name] + arguments
                    + [proxy.address, "grpc.health.v1.Health/Check"])
        }
        let authority = try #require(proxy.authority)
        // The certificate's file is there a moment before it is shown.
        try eventually("a call that trusts Caddy's authority: \(proxy.log)") {
            try check(["-cacert", authority]).standardOutput.contains("SERVING")
        }
        let untrusted = try check([])
        #expect(untrusted.exitCode != 0)
        #expect(untrusted.standardError.contains("unknown authority"), "\(untrusted.standardError)")
        let plain = try ChildProcess.run([
            "/usr/bin/curl", "--silent", "--max-time", "60", "--retry", "60", "--retry-delay", "1",
            "--retry-connrefused", "--output", "/dev/null", "--write-out",
            "%{http_code} %{redirect_url}", "--header", "host: \(name)",
            "http://\(try #require(proxy.plainAddress))/x",
        ])
        #expect(plain.standardOutput == "308 https://\(name)/x")
    }

    @Test("through Caddy, plain gRPC goes too")
    func grpcThroughCaddy() throws {
        let stage = try Stage.shared()
        let proxy = try Proxy(.caddy, to: stage.server)
        let checked = try ChildProcess.run([
            Programs.grpcurl, "-plaintext", "-max-time", "60", proxy.address,
            "grpc.health.v1.Health/Check",
        ])
        #expect(checked.standardOutput.contains("SERVING"), "\(checked.standardError)")
    }

    @Test("a page in a browser calls by fetch: over TLS, through Caddy, through Envoy")
    func browser() throws {
        let folder = try Folder()
        let installation = try Installation()
        let token = installation.ownerToken
        var options = installation.options
        options.arguments = ["--web-origin", "*"]
        let plain = try Berthd(options)
        options.arguments += try EncryptionTests.makeCertificate("web", in: folder)
        let encrypted = try Berthd(options)
        let caddy = try Proxy(.caddy, to: plain)
        let envoy = try Proxy(.envoy, to: plain)
        let urls = ["https://\(encrypted.address)", caddy.url, envoy.url]
        var calls: [Browser.Call] = []
        for url in urls {
            for isText in [false, true] {
                calls.append(Browser.Call(url, Self.list, isText: isText, token: token))
            }
        }
        calls.append(Browser.Call(caddy.url, Self.list, isText: false, token: nil))
        let answers = try Browser.run(calls)
        try #require(answers.count == calls.count)
        for (call, answer) in zip(calls, answers).dropLast() {
            let what = "\(call.url) \(call.type): \(answer)"
            #expect(answer.status == 200, "\(what)")
            #expect(
                answer.trailers.contains("grpc-status: 0")
                    || answer.trailers.contains("grpc-status:0"), "\(what)")
            let message = answer.frames.first { $0.flag == 0 }
            let text = message.map { String(decoding: $0.bytes, as: UTF8.self) }
            #expect(text?.contains("postgres") == true, "\(what)")
        }
        #expect(answers.last?.trailers.contains("grpc-status: 16") == true, "UNAUTHENTICATED")
        #expect(try plain.stop() == 0)
        #expect(try encrypted.stop() == 0)
    }

    @Test("a page of an origin that is not allowed cannot call")
    func otherOrigin() throws {
        let stage = try Stage.shared()
        let caddy = try Proxy(.caddy, to: stage.server)
        let answer = try #require(
            try Browser.run([
                Browser.Call(caddy.url, Self.list, isText: false, token: stage.member)
            ]).first)
        #expect(answer.error.contains("Failed to fetch"), "\(answer)")
    }

    @Test("an origin that is none is refused by name")
    func malformedOrigin() throws {
        var options = try Installation().options
        options.arguments = ["--web-origin", "app.example"]
        let refusal = try ServeTests.refusal(options)
        #expect(refusal.contains("--web-origin"))
        #expect(refusal.contains("scheme://host"))
    }
}
