import PostgresClient
import SQL
import Testing

@testable import Agents
@testable import Deployments
@testable import Services

/// How PostgreSQL answers lists when there is much to list: by an index that has the order.
@Suite struct ListPlanTests {
    @Test("pages of servers, services and deployments are read by indexes among ten thousand rows")
    func lists() async throws {
        let database = try await MigratedDatabase.make()
        let home = database.tenancy.home
        try Self.fill(database)
        let service = try database.run(
            "SELECT service_id FROM deployments GROUP BY service_id HAVING count(*) > 1")
        let deployment = try database.run(
            "SELECT id FROM deployments WHERE number = 5000")
        let some = try database.run("SELECT id FROM services ORDER BY id LIMIT 1 OFFSET 5000")
        let pages: [(sql: String, key: String, index: String, after: String)] = [
            (
                PostgresServerStore.Statements.list.sql, "\(home.workspaceID)",
                "servers_workspace_id",
                try database.run("SELECT id FROM servers ORDER BY id LIMIT 1 OFFSET 5000")
            ),
            (
                PostgresServiceStore.Statements.listEnvironment.sql, "\(home.environmentID)",
                "services_environment_id", some
            ),
            (
                PostgresServiceStore.Statements.listProject.sql, "\(home.projectID)",
                "services_project_id", some
            ),
            (
                PostgresServiceStore.Statements.listWorkspace.sql, "\(home.workspaceID)",
                "services_workspace_id", some
            ),
            (
                PostgresDeploymentStore.Statements.list.sql, service,
                "deployments_service_number", deployment
            ),
        ]
        for page in pages {
            for after in ["NULL", "'\(page.after)'"] {
                let plans = try Self.plans(
                    database, page.sql, "'\(page.key)', \(after), 51")
                for plan in plans {
                    #expect(plan.contains(page.index), "\(plan)")
                    #expect(!plan.contains("Sort") && !plan.contains("Seq Scan"), "\(plan)")
                }
            }
        }
        let watched = try Self.plans(
            database, PostgresServiceStore.Statements.listWatched.sql,
            "'\(home.environmentID)', ARRAY['\(some)'], 2001")
        let ids = try database.run("SELECT array_agg(id) FROM (SELECT id FROM services LIMIT 50) s")
        let conditions = try Self.plans(
            database, PostgresDeploymentStore.Statements.conditions.sql, "'\(ids)', 3, 60")
        for plan in watched + conditions {
            #expect(!plan.contains("Seq Scan on services"), "\(plan)")
            #expect(!plan.contains("Seq Scan on deployments"), "\(plan)")
        }
    }

    /// What PostgreSQL does for a statement, planned for its values and for any.
    private static func plans(
        _ database: MigratedDatabase, _ sql: String, _ values: String
    ) throws -> [String] {
        try ["force_custom_plan", "force_generic_plan"].map { mode in
            try database.run(
                """
                SET plan_cache_mode = \(mode);
                PREPARE page AS \(sql);
                EXPLAIN (COSTS OFF) EXECUTE page (\(values))
                """)
        }
    }

    /// Ten thousand of each; half of the servers and services, and of the deployments half are one
    /// service's, so that a filter alone would read much.
    private static func fill(_ database: MigratedDatabase) throws {
        let (home, foreign) = (database.tenancy.home, database.tenancy.foreign)
        try database.run(
            """
            INSERT INTO servers (id, workspace_id, name, created_at)
            SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN '\(home.workspaceID)'::uuid
                ELSE '\(foreign.workspaceID)' END, n, now()
            FROM generate_series(1, 10000) n;
            INSERT INTO agents (server_id, credential_hash, public_key, registered_at)
            SELECT id, sha256(id::text::bytea), sha256(id::text::bytea), now() FROM servers;
            INSERT INTO services (id, workspace_id, project_id, environment_id, name, slug, kind,
                source, template_id, image, port, visibility, created_at, updated_at)
            SELECT gen_random_uuid(), w, p, e, n, 's' || n, 'database', 'template', 'postgres', 'i',
                5432, 'private', now(), now()
            FROM (VALUES
                ('\(home.workspaceID)'::uuid, '\(home.projectID)'::uuid,
                    '\(home.environmentID)'::uuid),
                ('\(foreign.workspaceID)', '\(foreign.projectID)', '\(foreign.environmentID)')
            ) AS place (w, p, e), generate_series(1, 5000) n;
            INSERT INTO deployments (id, service_id, environment_id, workspace_id, server_id, state,
                trigger, image, wake_at, created_at, updated_at)
            SELECT gen_random_uuid(), s.id, s.environment_id, s.workspace_id,
                '\(home.serverID)', 'cancelled', 'deploy', 'i', now(), now(), now()
            FROM (
                SELECT * FROM services WHERE workspace_id = '\(home.workspaceID)' ORDER BY id
            ) AS s;
            INSERT INTO deployments (id, service_id, environment_id, workspace_id, server_id, state,
                trigger, image, wake_at, created_at, updated_at)
            SELECT gen_random_uuid(), s.id, s.environment_id, s.workspace_id,
                '\(home.serverID)', 'cancelled', 'deploy', 'i', now(), now(), now()
            FROM (
                SELECT * FROM services WHERE workspace_id = '\(home.workspaceID)'
                ORDER BY id LIMIT 1
            ) AS s, generate_series(1, 5000);
            INSERT INTO instances (service_id, environment_id, workspace_id, server_id, volume_name)
            SELECT id, environment_id, workspace_id, '\(home.serverID)', 'v' FROM services
            WHERE workspace_id = '\(home.workspaceID)';
            ANALYZE
            """)
    }
}
