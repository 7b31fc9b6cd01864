import Domain
import PostgresClient
import SQL
import Services
import Testing

/// What the schema's triggers and functions refuse whatever the code above them does.
@Suite struct TriggerTests {
    typealias Breach = SchemaTests.Breach

    static let breaches = [
        Breach(
            "a deployment that runs at once", "UPDATE deployments SET state = 'running'",
            "deployments_move_is_legal"),
        Breach(
            "a deployment that ended and goes on",
            "UPDATE deployments SET state = 'cancelled'; UPDATE deployments SET state = 'queued'",
            "deployments_move_is_legal"),
        Breach(
            "a second server for an environment",
            "SELECT admit_deployment(environment_id, workspace_id, gen_random_uuid(), 100) "
                + "FROM deployments",
            "environment_lives_on_one_server"),
        Breach(
            "data that was never initialised after all",
            "\(instance); UPDATE instances SET initialized_at = NULL",
            "instances_data_is_remembered"),
        Breach(
            "data that lies elsewhere", "\(instance); UPDATE instances SET volume_name = 'other'",
            "instances_data_is_remembered"),
        Breach(
            "another PostgreSQL's data",
            "\(instance); UPDATE instances SET system_identifier = '2'",
            "instances_data_is_remembered"),
        Breach(
            "a fencing token that falls", "\(instance); UPDATE instances SET fencing_token = 1",
            "instances_data_is_remembered"),
    ]

    /// Adds the instance of the one service.
    static let instance = """
        INSERT INTO instances (service_id, environment_id, workspace_id, server_id, volume_name,
            fencing_token, initialized_at, system_identifier)
        SELECT service_id, environment_id, workspace_id, server_id, 'data', 2, now(), '1'
        FROM deployments
        """

    @Test("the schema refuses", arguments: breaches)
    func refuses(_ breach: Breach) async throws {
        try await withDatabase { database, pool in
            _ = try await Modules(pool).services.createDatabase(
                .sample(database.tenancy), caller: try database.tenancy[.owner].caller())
            let error = try await postgresError {
                try await pool.inSession { try await $0.executeScript(breach.sql) }
            }
            #expect(error.constraintName == breach.constraint, "\(error)")
        }
    }
}
