import Glibc
import TestSupport
import Testing

/// A Berth on Podman's socket, which speaks Docker's API. Siblings are asked by Podman's own client.
@Suite struct PodmanTests {
    private let place: Place
    private let harbour: Harbour
    /// Last, so that it goes last.
    private let podman: OwnEngine

    init() throws {
        let podman = try OwnEngine(.podman)
        self.podman = podman
        place = podman.place
        harbour = try Harbour { $0.place = podman.place }
    }

    @Test("on Podman, created and redeployed: siblings find it by its slug, with its data")
    func redeploys() throws {
        // At once, while the agent begins to make volumes ahead.
        let database = try harbour.createRunning()
        #expect(database.uri.contains("@\(database.slug):"))
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let volumes = try Docker.volumes(of: database.serviceID, in: place)
        #expect(volumes.count == 1)
        for round in 1...3 {
            let deployment = try harbour.redeploy(database)
            let outcome = try harbour.outcome(of: deployment)
            let message = try harbour.deployment(deployment)["message"].string
            #expect(outcome == "RUNNING", "round \(round): \(message)")
            #expect(try harbour.query("SELECT answer FROM kept", database) == "42")
        }
        let container = try #require(
            try Docker.containers(of: database.serviceID, in: place).first)
        #expect(try Docker.containers(of: database.serviceID, in: place) == [container])
        #expect(try Docker.volumes(of: database.serviceID, in: place) == volumes)
        // One network an environment, and no other for the container.
        let network = "berth-env-\(database.environmentID)"
        #expect(
            try Docker.networks(ofEnvironment: database.environmentID, in: place) == [network])
        let places = try Docker.inspect(
            container,
            "{{range $name, $place := .NetworkSettings.Networks}}{{$name}} {{$place.Aliases}};{{end}}",
            in: place)
        #expect(places.hasPrefix("\(network) [") && places.split(separator: ";").count == 1)
        #expect(places.contains(database.slug), "\(places)")
        try expectNoWayToTheMachine(database)
        #expect(try harbour.server.stop() == 0)
    }

    /// What lets containers ask for names lets them reach nothing else of the machine.
    private func expectNoWayToTheMachine(_ database: Harbour.Database) throws {
        let network = "berth-env-\(database.environmentID)"
        let gateway = try Docker.inspect(
            network, "{{range .Subnets}}{{.Gateway}}{{end}}", in: place)
        let listener = try ChildProcess(
            place.entry + [
                try Programs.python, "-m", "http.server", "--bind", gateway, "8053",
            ])
        let url = "http://\(gateway):8053/"
        try eventually("the listener: \(listener.standardError)") {
            try ChildProcess.run(
                place.entry + ["/usr/bin/env", "curl", "--silent", "--head", url]
            ).exitCode == 0
        }
        let attempt = try harbour.query(
            "SELECT 1", "postgresql://someone@\(gateway):8053/",
            fromEnvironment: database.environmentID)
        #expect(attempt.exitCode != 0, "\(attempt)")
        #expect(attempt.standardError.contains("Connection refused"), "\(attempt)")
    }

    @Test("on Podman, a container that is killed comes back, restarts are obeyed, logs are read")
    func comesBack() throws {
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let container = try #require(
            try Docker.containers(of: database.serviceID, in: place).first)
        try harbour.noteCrashes()
        try Docker.succeed(["kill", container], in: place)
        try harbour.awaitCrash(of: database)
        try harbour.await("RUNNING", of: database)
        try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)

        let start = "{{.State.StartedAt}} {{.State.Running}}"
        let before = try Docker.inspect(container, start, in: place)
        try harbour.call(
            "DeploymentService/RestartService", ["serviceId": .string(database.serviceID)])
        try eventually("the restart") {
            let now = try Docker.inspect(container, start, in: place)
            return now != before && now.hasSuffix("true")
        }
        try harbour.await("RUNNING", of: database)
        try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)
        #expect(try Docker.containers(of: database.serviceID, in: place) == [container])

        try harbour.expectLogsWithoutPassword(of: database)
        #expect(try harbour.server.stop() == 0)
    }

    /// Podman lists the volumes that have any of the labels asked for: an agent that removes spares at
    /// its start must not take a deleted service's data for one.
    @Test("on Podman, deleted: the volume stays, whatever the agent does; undeleted: with its data")
    func undeletes() throws {
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let volumes = try Docker.volumes(of: database.serviceID, in: place)
        let id: JSON = ["serviceId": .string(database.serviceID)]
        try harbour.call("ServiceService/DeleteService", id)
        try harbour.await("DELETED", of: database)
        #expect(try Docker.containers(of: database.serviceID, in: place).isEmpty)
        #expect(
            try Docker.networks(ofEnvironment: database.environmentID, in: place).isEmpty,
            "the environment's network goes with its last container")
        try harbour.agent.end(SIGKILL)
        let spares = try spareVolumes()
        try harbour.agent.start()
        // An agent begins by removing the spares of the one before it.
        try eventually(within: .seconds(180), "new spares: \(harbour.agent.log)") {
            let now = try spareVolumes()
            return now.count == 2 && now.isDisjoint(with: spares)
        }
        #expect(try Docker.volumes(of: database.serviceID, in: place) == volumes)

        let undeleted = try harbour.call("ServiceService/UndeleteService", id)
        #expect(try harbour.outcome(of: undeleted["deploymentId"].string) == "RUNNING")
        #expect(try harbour.query("SELECT answer FROM kept", database) == "42")
        #expect(!harbour.agent.log.contains("no volume could be initialised ahead"))
        #expect(try harbour.server.stop() == 0)
    }

    /// Without those by which the agent tries, at first, whether folders can be exchanged.
    private func spareVolumes() throws -> Set<String> {
        let found = try Docker.lines(
            ["volume", "ls", "--quiet", "--filter", "label=berth.role=spare"], in: place)
        return Set(found.filter { !$0.contains("-probe-") })
    }
}
