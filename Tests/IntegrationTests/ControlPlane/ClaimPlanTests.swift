import Domain
import PostgresClient
import SQL
import Testing

@testable import Agents
@testable import Deployments
@testable import Services

/// How PostgreSQL finds work, what is overdue and what is to be shown among ten thousand services: by
/// indexes, so that it does not take longer with each service that there is.
@Suite struct ClaimPlanTests {
    @Test("claims, sweeps, inventories and lists of what runs read no table as a whole")
    func plans() async throws {
        let database = try await MigratedDatabase.make()
        let server = database.tenancy.home.serverID.description
        try Self.fill(database)
        let some = try database.run(
            "SELECT array_agg(service_id) FROM (SELECT service_id FROM instances LIMIT 4) AS s")
        let service = try database.run("SELECT service_id FROM instances LIMIT 1")
        let session = "'00112233445566778899aabbccddeeff'"
        let statements: [(statement: Statement, values: String)] = [
            (PostgresClaimStore.Statements.addInstances, "'\(server)'"),
            (PostgresClaimStore.Statements.lockFree, "'\(server)', \(session), 4"),
            (PostgresClaimStore.Statements.cancelDeleted, "'\(some)', \(session)"),
            (PostgresClaimStore.Statements.giveUp, "'\(some)', \(session), 10, 1800"),
            (PostgresClaimStore.Statements.supersede, "'\(some)'"),
            (PostgresClaimStore.Statements.giveUpJobs, "'\(some)', \(session), 10"),
            (PostgresClaimStore.Statements.raiseTokens, "'\(some)'"),
            (PostgresClaimStore.Statements.claimDeployments, "'\(some)', \(session), 60"),
            (PostgresClaimStore.Statements.dropRestarts, "'\(some)'"),
            (PostgresClaimStore.Statements.claimJobs, "'\(some)', \(session), 60"),
            (PostgresClaimStore.Statements.cancels, "'\(server)', \(session)"),
            (PostgresClaimStore.Statements.pauseLeft, "'\(server)', \(session)"),
            (PostgresDeploymentStore.Statements.failOverdue, "1800, 100"),
            (PostgresDeploymentStore.Statements.condition, "'\(service)', 3, 60"),
            (PostgresDeploymentStore.Statements.conditions, "'\(some)', 3, 60"),
            (PostgresInstanceStore.Statements.mayRecover, "'\(service)', 30, 3600, 5"),
            (
                PostgresInstanceStore.Statements.known,
                "'\(server)', ARRAY['berth-data-1', 'berth-env-1']"
            ),
            (PostgresServiceStore.Statements.dueForPurge, "now(), 100"),
        ]
        for (statement, values) in statements {
            for mode in ["force_custom_plan", "force_generic_plan"] {
                let plan = try database.run(
                    """
                    SET plan_cache_mode = \(mode);
                    PREPARE work AS \(statement.sql);
                    EXPLAIN (COSTS OFF) EXECUTE work (\(values))
                    """)
                for table in ["services", "deployments", "instances", "deployment_events"] {
                    #expect(!plan.contains("Seq Scan on \(table)"), "\(statement.sql)\n\(plan)")
                }
            }
        }
    }

    /// Ten thousand services with an instance and two deployments each on one server, of which a few
    /// wait, a few are at work, and a tenth is deleted; as many are elsewhere.
    private static func fill(_ database: MigratedDatabase) throws {
        let (home, foreign) = (database.tenancy.home, database.tenancy.foreign)
        try database.run(
            """
            INSERT INTO services (id, workspace_id, project_id, environment_id, name, slug, kind,
                source, template_id, image, port, visibility, created_at, updated_at, deleted_at,
                torn_down_at, purge_at)
            SELECT gen_random_uuid(), w, p, e, n, 's' || n, 'database', 'template', 'postgres', 'i',
                5432, 'private', now(), now(), CASE WHEN n % 10 = 0 THEN now() END,
                CASE WHEN n % 10 = 0 AND n % 100 <> 0 THEN now() END,
                CASE WHEN n % 10 = 0 THEN now() + interval '7 days' END
            FROM (VALUES
                ('\(home.workspaceID)'::uuid, '\(home.projectID)'::uuid,
                    '\(home.environmentID)'::uuid),
                ('\(foreign.workspaceID)', '\(foreign.projectID)', '\(foreign.environmentID)')
            ) AS place (w, p, e), generate_series(1, 10000) n;
            INSERT INTO deployments (id, service_id, environment_id, workspace_id, server_id, state,
                trigger, image, wake_at, created_at, updated_at, lease_holder, lease_until,
                fencing_token, claimed_at)
            SELECT gen_random_uuid(), s.id, s.environment_id, s.workspace_id,
                CASE s.workspace_id WHEN '\(home.workspaceID)' THEN '\(home.serverID)'::uuid
                    ELSE '\(foreign.serverID)' END, state,
                'deploy', 'i', now(), now(), now(),
                CASE state WHEN 'pulling' THEN 'x' END, CASE state WHEN 'pulling' THEN now() END,
                1, CASE WHEN state <> 'queued' THEN now() END
            FROM services s, LATERAL (VALUES ('superseded'), (CASE
                WHEN s.slug LIKE 's1__' THEN 'queued' WHEN s.slug LIKE 's2__' THEN 'pulling'
                ELSE 'running' END)) AS d (state);
            INSERT INTO instances (service_id, environment_id, workspace_id, server_id, volume_name,
                fencing_token)
            SELECT service_id, environment_id, workspace_id, server_id,
                'berth-data-' || service_id, 1
            FROM deployments WHERE state = 'superseded';
            UPDATE instances i SET running_deployment_id = d.id, running_since = now()
            FROM deployments d WHERE d.service_id = i.service_id AND d.state = 'running';
            INSERT INTO service_jobs (id, service_id, environment_id, server_id, kind, wake_at,
                created_at)
            SELECT gen_random_uuid(), i.service_id, i.environment_id, i.server_id, 'teardown',
                now(), now()
            FROM instances i JOIN services s ON s.id = i.service_id
            WHERE s.deleted_at IS NOT NULL AND s.torn_down_at IS NULL;
            ANALYZE
            """)
    }
}
