import Foundation
import Testing

/// Server reflection: a stranger needs nothing but the address.
@Suite struct ReflectionTests {
    static let services = [
        "berth.agent.v1.AgentService", "berth.controlplane.v1.ConfigService",
        "berth.controlplane.v1.DeploymentService", "berth.controlplane.v1.ServerService",
        "berth.controlplane.v1.ServiceService", "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
    ]

    @Test("grpcurl lists every service and every method")
    func grpcurlLists() throws {
        let server = try Stage.shared().server
        let services = try Grpcurl.run([], server, ["list"])
        #expect(services.standardOutput.split(separator: "\n").map(String.init) == Self.services)
        let methods = try Grpcurl.run(
            [], server, ["list", "berth.controlplane.v1.ServiceService"])
        #expect(
            methods.standardOutput.split(separator: "\n").map { $0.split(separator: ".").last } == [
                "CreateDatabaseService", "DeleteService", "GetService", "ListDatabaseTemplates",
                "ListServices", "RevealConnection", "UndeleteService", "WatchServices",
            ])
    }

    @Test("grpcurl describes the create request with every field in its order")
    func grpcurlDescribes() throws {
        let described = try Grpcurl.run(
            [], try Stage.shared().server,
            ["describe", "berth.controlplane.v1.CreateDatabaseServiceRequest"]
        ).standardOutput
        let fields = described.split(separator: "\n").compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard words.count == 4, words[2] == "=" else { return nil }
            return "\(words[0]) \(words[1]) \(words[3].dropLast())"
        }
        #expect(
            fields == [
                "string environment_id 1", "string name 2", "string template_id 3",
                "string server_id 4", "bool deploy_now 5", "string request_id 6",
                "string database_name 7", "string username 8", "string password 9",
            ])
    }

    @Test("buf curl lists by both versions of reflection", arguments: ["grpc-v1", "grpc-v1alpha"])
    func bufLists(_ version: String) throws {
        let finished = try ChildProcess.run([
            Programs.buf, "curl", "--http2-prior-knowledge", "--protocol", "grpc",
            "--reflect-protocol", version, "--list-methods",
            "http://\(Stage.shared().server.address)",
        ])
        #expect(finished.exitCode == 0, "\(finished.standardError)")
        let methods = finished.standardOutput.split(separator: "\n").map(String.init)
        for method in [
            "berth.controlplane.v1.ServiceService/CreateDatabaseService",
            "berth.controlplane.v1.DeploymentService/ListDeployments",
            "berth.controlplane.v1.ConfigService/ListConfig", "grpc.health.v1.Health/Watch",
        ] {
            #expect(methods.contains(method))
        }
    }

    @Test("grpcio's reflection client lists every service")
    func grpcioLists() throws {
        let answer = try GrpcioClient.of(Stage.shared().server).ask(["services": true])
        #expect(answer["services"].elements.map(\.string) == Self.services)
    }

    @Test("a method that is not there is unimplemented")
    func unknownMethod() throws {
        let stage = try Stage.shared()
        // grpcurl has the method from a proto of its own.
        let folder = try Folder()
        let proto = """
            syntax = "proto3";
            package berth.controlplane.v1;
            message Nothing {}
            service ServiceService { rpc Vanish(Nothing) returns (Nothing); }
            service GhostService { rpc Appear(Nothing) returns (Nothing); }
            """
        try proto.write(toFile: folder.file("ghost.proto"), atomically: true, encoding: .utf8)
        for method in ["ServiceService/Vanish", "GhostService/Appear"] {
            let finished = try Grpcurl.run(
                ["-format-error", "-import-path", folder.path, "-proto", "ghost.proto"],
                stage.server, ["berth.controlplane.v1.\(method)"])
            #expect(finished.exitCode == 64 + 12, "\(finished.standardError)")
        }
    }
}
