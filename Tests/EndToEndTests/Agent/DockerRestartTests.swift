import Glibc
import TestSupport
import Testing

/// Docker ends under the agent and comes back, as after a crash of it or an update of the machine.
@Suite struct DockerRestartTests {
    /// When Docker ends in the life of a deployment.
    struct Moment: Sendable {
        /// The state that the deployment is in; nil for one that is asked for while Docker is away.
        let state: String?
        /// Whether the service has data already.
        let isRedeploy: Bool
        let end: OwnEngine.End

        static let all = [
            Moment(state: nil, isRedeploy: false, end: .kill),
            Moment(state: "starting", isRedeploy: false, end: .kill),
            Moment(state: "verifying", isRedeploy: false, end: .end),
            Moment(state: "starting", isRedeploy: true, end: .end),
            Moment(state: "verifying", isRedeploy: true, end: .kill),
        ]
    }

    @Test("Docker ends at each stage of a deployment: it runs in the end, once, on its own data")
    func stages() throws {
        let docker = try OwnEngine()
        let harbour = try Harbour { $0.place = docker.place }
        for moment in Moment.all {
            var database: Harbour.Database?
            if moment.isRedeploy {
                let old = try harbour.createRunning()
                try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", old)
                database = old
            }
            let deployment = try Self.begin(&database, harbour, docker, moment)
            try docker.start()
            let service = try #require(database)
            #expect(try harbour.outcome(of: deployment) == "RUNNING", "\(moment)")
            let ended = try harbour.deployment(deployment)
            // The agent was there all the time: nobody else had to take the job over.
            #expect(ended["attempt"] == 1, "\(moment): \(ended)")
            let states = ended["events"].elements.map(\.["state"].string)
            #expect(states.filter { $0 == "DEPLOYMENT_STATE_RUNNING" }.count == 1, "\(states)")
            #expect(!states.contains("DEPLOYMENT_STATE_FAILED"), "\(moment): \(states)")
            try harbour.await("RUNNING", of: service)
            try docker.awaitAnswer()
            // What Docker knew when it ended may be a moment old.
            let sql = moment.isRedeploy ? "SELECT answer FROM kept" : "SELECT 42"
            try harbour.awaitAnswer("42", to: sql, of: service)
            #expect(try Docker.containers(of: service.serviceID, in: docker.place).count == 1)
            #expect(try Docker.volumes(of: service.serviceID, in: docker.place).count == 1)
            // What has to come back with Docker often would rightly be called CRASHED.
            try harbour.call(
                "ServiceService/DeleteService", ["serviceId": .string(service.serviceID)])
        }
        #expect(try harbour.server.stop() == 0)
    }

    /// Asks for a deployment, of a new service or of `database`, and ends Docker at the moment.
    private static func begin(
        _ database: inout Harbour.Database?, _ harbour: Harbour, _ docker: OwnEngine,
        _ moment: Moment
    ) throws -> String {
        if moment.state == nil { try docker.end(by: moment.end) }
        let isRedeploy = moment.isRedeploy
        // A stage may be over before we see it.
        for _ in 1...30 {
            if !isRedeploy { database = try harbour.create() }
            let service = try #require(database)
            let deployment = isRedeploy ? try harbour.redeploy(service) : service.deploymentID
            guard let state = moment.state else { return deployment }
            if try reaches(state, deployment, harbour) {
                try docker.end(by: moment.end)
                return deployment
            }
            #expect(try harbour.outcome(of: deployment) == "RUNNING")
        }
        throw ChildProcess.Failed(description: "no deployment was seen in \(moment)")
    }

    /// Waits until a deployment is in a state; false when it is past it.
    private static func reaches(
        _ state: String, _ deployment: String, _ harbour: Harbour
    ) throws -> Bool {
        let order = ["queued", "claimed", "pulling", "starting", "verifying"]
        var now = ""
        try eventually("the state \(state)") {
            now = try harbour.installation.run(
                sql: "SELECT state FROM deployments WHERE id = '\(deployment)'")
            let isBefore =
                (order.firstIndex(of: now) ?? order.count) < (order.firstIndex(of: state) ?? 0)
            return !isBefore
        }
        return now == state
    }

    @Test("Docker is killed again while a container is started again: the database comes back")
    func startingAgain() throws {
        let docker = try OwnEngine()
        let harbour = try Harbour { $0.place = docker.place }
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        try docker.end(by: .kill)
        try docker.start()
        try eventually("the new start") {
            harbour.agent.log.contains("starting a container again")
        }
        // Docker may know of the start or not, and may never start this container again.
        try docker.end(by: .kill)
        try docker.start()
        try docker.awaitAnswer()
        try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)
        try harbour.await("RUNNING", of: database)
        #expect(try Docker.containers(of: database.serviceID, in: docker.place).count == 1)
        #expect(try Docker.volumes(of: database.serviceID, in: docker.place).count == 1)
        #expect(try harbour.server.stop() == 0)
    }

    @Test("the machine starts anew while the control plane is away: what that said last runs again")
    func restartAlone() throws {
        let docker = try OwnEngine()
        let harbour = try Harbour { $0.place = docker.place }
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let container = try #require(
            try Docker.containers(of: database.serviceID, in: docker.place).first)
        #expect(try harbour.server.stop() == 0)
        try harbour.agent.end(SIGKILL)
        try docker.end(by: .end)
        try docker.start()
        try docker.awaitAnswer()
        try harbour.agent.start()
        try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)
        try eventually("the agent to say why: \(harbour.agent.log)") {
            harbour.agent.log.contains("the control plane is away")
        }
        #expect(try Docker.containers(of: database.serviceID, in: docker.place) == [container])
    }

    @Test(
        "Docker ends while a database runs: the state is true meanwhile, and the database comes back",
        arguments: [OwnEngine.End.kill, .end])
    func running(_ end: OwnEngine.End) throws {
        let docker = try OwnEngine()
        let harbour = try Harbour { $0.place = docker.place }
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let container = try #require(
            try Docker.containers(of: database.serviceID, in: docker.place).first)
        let address = try Docker.inspect(
            container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            in: docker.place)
        /// Whether PostgreSQL answers, asked without Docker.
        func isServing() throws -> Bool {
            let arguments = ["--timeout=10", "--host=\(address)", "--port=5432"]
            let program = "\(try Programs.postgresBinaries)/pg_isready"
            return try ChildProcess.run(docker.place.entry + [program] + arguments).exitCode == 0
        }
        #expect(try isServing())
        try harbour.noteCrashes()
        try docker.end(by: end)
        // Killed, it leaves its containers alone; asked to end, it ends them first.
        #expect(try isServing() == (end == .kill))
        try docker.start()
        // Either way Docker finds it ended.
        try harbour.awaitCrash(of: database)
        try harbour.await("RUNNING", of: database)
        try eventually("PostgreSQL to answer") { try isServing() }
        try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)
        #expect(try Docker.containers(of: database.serviceID, in: docker.place) == [container])
        #expect(try Docker.volumes(of: database.serviceID, in: docker.place).count == 1)
        // No deployment was needed for that.
        let deployments = try harbour.installation.run(
            sql: "SELECT count(*) FROM deployments WHERE service_id = '\(database.serviceID)'")
        #expect(deployments == "1", "\(harbour.agent.log.suffix(8000))")
        #expect(try harbour.server.stop() == 0)
    }
}
