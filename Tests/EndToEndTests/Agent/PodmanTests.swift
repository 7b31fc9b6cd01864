import Testing

@Suite struct PodmanTests {
    @Test("on Podman a database is deployed, deployed again over its data, removed and restored")
    func life() throws {
        let podman = try OwnEngine(.podman)
        let harbour = try Harbour { $0.place = podman.place }
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        #expect(try harbour.outcome(of: harbour.redeploy(database)) == "RUNNING")
        #expect(try harbour.query("SELECT answer FROM kept", database) == "42")

        let id: JSON = ["serviceId": .string(database.serviceID)]
        try harbour.call("ServiceService/DeleteService", id)
        try harbour.await("DELETED", of: database)
        #expect(try Docker.containers(of: database.serviceID, in: podman.place).isEmpty)
        let undeleted = try harbour.call("ServiceService/UndeleteService", id)
        #expect(try harbour.outcome(of: undeleted["deploymentId"].string) == "RUNNING")
        #expect(try harbour.query("SELECT answer FROM kept", database) == "42")
        #expect(try harbour.server.stop() == 0)
    }
}
