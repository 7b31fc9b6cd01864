import Domain
import PostgresClient
import TestSupport
import Testing

@testable import Services

/// What the schema refuses whatever the code above it does.
@Suite struct SchemaTests {
    /// A statement that breaks one rule, and the constraint that says so.
    struct Breach: CustomTestStringConvertible {
        let what: String
        let sql: String
        let constraint: String

        init(_ what: String, _ sql: String, _ constraint: String) {
            self.what = what
            self.sql = sql
            self.constraint = constraint
        }

        var testDescription: String { what }
    }

    /// Changes the one service that is there.
    static let services = [
        Breach(
            "a template service that is public", "UPDATE services SET visibility = 'public'",
            "services_template_is_private"),
        Breach(
            "a template service without its template", "UPDATE services SET template_id = NULL",
            "services_source_names_its_template"),
        Breach(
            "an image service with a template", "UPDATE services SET source = 'image'",
            "services_source_names_its_template"),
        Breach(
            "a slug that begins with a digit", "UPDATE services SET slug = '1a'",
            "services_slug_check"),
        Breach(
            "a slug that ends with a hyphen", "UPDATE services SET slug = 'a-'",
            "services_slug_check"),
        Breach(
            "a slug in upper case", "UPDATE services SET slug = 'Main'", "services_slug_check"),
        Breach(
            "a slug of 64 characters", "UPDATE services SET slug = repeat('a', 64)",
            "services_slug_check"),
        Breach("an empty slug", "UPDATE services SET slug = ''", "services_slug_check"),
        Breach(
            "a slug of two lines", "UPDATE services SET slug = E'a\\nb'", "services_slug_check"),
        Breach(
            "the slug localhost", "UPDATE services SET slug = 'localhost'", "services_slug_check"),
        Breach("an empty name", "UPDATE services SET name = ''", "services_name_check"),
        Breach(
            "a name of 129 bytes", "UPDATE services SET name = repeat('ä', 64) || 'a'",
            "services_name_check"),
        Breach("port 0", "UPDATE services SET port = 0", "services_port_check"),
        Breach("port 65536", "UPDATE services SET port = 65536", "services_port_check"),
        Breach("no image", "UPDATE services SET image = ''", "services_image_check"),
        Breach(
            "an unknown kind", "UPDATE services SET kind = 'queue'", "services_kind_check"),
        Breach(
            "an unknown visibility",
            "UPDATE services SET source = 'image', template_id = NULL, visibility = 'shared'",
            "services_visibility_check"),
        Breach(
            "a second service with its slug",
            """
            INSERT INTO services SELECT '00000000-0000-7000-8000-000000000001', workspace_id,
                project_id, environment_id, name, slug, kind, source, template_id, image, port,
                visibility, server_id, created_at, updated_at, deleted_at FROM services
            """,
            "services_slug_is_unique_in_environment"),
    ]

    static let configEntries = [
        Breach(
            "a variable with a seal",
            "UPDATE config_entries SET sealed = '\\x00', sealing_key_id = 'k' "
                + "WHERE kind = 'variable'",
            "config_entries_secret_is_sealed"),
        Breach(
            "a variable without a value",
            "UPDATE config_entries SET value = NULL WHERE kind = 'variable'",
            "config_entries_secret_is_sealed"),
        Breach(
            "a secret with a plain value",
            "UPDATE config_entries SET value = 'plain' WHERE kind = 'secret'",
            "config_entries_secret_is_sealed"),
        Breach(
            "a secret turned into a variable",
            "UPDATE config_entries SET kind = 'variable' WHERE kind = 'secret'",
            "config_entries_secret_is_sealed"),
        Breach(
            "a secret without its key's id",
            "UPDATE config_entries SET sealing_key_id = NULL WHERE kind = 'secret'",
            "config_entries_secret_is_sealed"),
        Breach(
            "an entry of no scope", "UPDATE config_entries SET service_id = NULL",
            "config_entries_have_one_scope"),
        Breach(
            "an entry of two scopes",
            "UPDATE config_entries SET environment_id = (SELECT environment_id FROM services)",
            "config_entries_have_one_scope"),
        Breach(
            "a key with a hyphen", "UPDATE config_entries SET key = 'A-B'",
            "config_entries_key_check"),
        Breach(
            "a key of 129 characters", "UPDATE config_entries SET key = repeat('A', 129)",
            "config_entries_key_check"),
    ]

    static let deployments = [
        Breach(
            "a lease without its end",
            "UPDATE deployments SET lease_holder = 'a', fencing_token = 1",
            "deployments_lease_is_whole"),
        Breach(
            "a lease without its holder",
            "UPDATE deployments SET lease_until = now(), fencing_token = 1",
            "deployments_lease_is_whole"),
        Breach(
            "a lease without a fencing token",
            "UPDATE deployments SET lease_holder = 'a', lease_until = now()",
            "deployments_lease_is_whole"),
        Breach(
            "a negative fencing token", "UPDATE deployments SET fencing_token = -1",
            "deployments_fencing_token_check"),
        Breach(
            "a negative attempt", "UPDATE deployments SET attempt = -1",
            "deployments_attempt_check"),
        Breach(
            "an unknown state", "UPDATE deployments SET state = 'lost'",
            "deployments_state_check"),
        Breach(
            "an unknown trigger", "UPDATE deployments SET trigger = 'whim'",
            "deployments_trigger_check"),
    ]

    static let engine = [
        Breach(
            "a deployment at work that nobody holds",
            "UPDATE deployments SET state = 'claimed'", "deployments_work_has_lease"),
        Breach(
            "a purge of what is not deleted", "UPDATE services SET purge_at = now()",
            "services_only_deleted_are_purged"),
    ]

    static let others = [
        Breach(
            "an unknown role", "UPDATE workspace_members SET role = 'king'",
            "workspace_members_role_check"),
        Breach(
            "a token's hash of 31 bytes",
            "UPDATE access_tokens SET token_hash = substring(token_hash FROM 2)",
            "access_tokens_token_hash_check"),
        Breach(
            "an action that is no noun.verb", "UPDATE audit_events SET action = 'Create'",
            "audit_events_action_check"),
        Breach(
            "a second key check",
            "INSERT INTO key_checks (id, key_id, sealed) VALUES (2, 'k', '\\x00')",
            "key_checks_id_check"),
        Breach(
            "a request id of 129 bytes",
            "UPDATE create_requests SET request_id = repeat('a', 129)",
            "create_requests_request_id_check"),
        Breach(
            "a workspace removed under its services", "DELETE FROM workspaces",
            "workspace_members_workspace_id_fkey"),
    ]

    /// An agent of the first workspace's server: its hashes have as many bytes as given.
    private static func newAgent(hash: Int = 32, key: Int = 32, where server: String) -> String {
        """
        INSERT INTO agents (server_id, credential_hash, public_key, registered_at)
        SELECT id, decode(repeat('ab', \(hash)), 'hex'), decode(repeat('cd', \(key)), 'hex'), now()
        FROM servers WHERE \(server)
        """
    }

    static let agents = [
        Breach(
            "a credential's hash of 31 bytes", newAgent(hash: 31, where: "name = 'home'"),
            "agents_credential_hash_check"),
        Breach(
            "a public key of 31 bytes", newAgent(key: 31, where: "name = 'home'"),
            "agents_public_key_check"),
        Breach(
            "two agents with one credential", newAgent(where: "true"),
            "agents_credential_hash_key"),
        Breach(
            "two agents of one server",
            "\(newAgent(where: "name = 'home'")); \(newAgent(where: "name = 'home'"))",
            "agents_pkey"),
        Breach(
            "a stream's name of 15 bytes",
            "\(newAgent(where: "name = 'home'")); "
                + "UPDATE agents SET session_id = decode(repeat('ab', 15), 'hex')",
            "agents_session_id_check"),
        Breach(
            "two registration tokens of one server",
            """
            INSERT INTO registration_tokens (server_id, token_hash, expires_at, created_at)
            SELECT id, decode(repeat(digits, 32), 'hex'), now(), now()
            FROM servers, unnest(ARRAY['ab', 'cd']) AS digits WHERE name = 'home'
            """, "registration_tokens_pkey"),
        Breach(
            "a second signing key",
            """
            INSERT INTO signing_keys (id, public_key, sealed, sealing_key_id, created_at)
            VALUES (2, decode(repeat('ab', 32), 'hex'), '', 'k', now())
            """, "signing_keys_id_check"),
        Breach(
            "an event of a user and a server",
            "UPDATE audit_events SET actor_server_id = (SELECT id FROM servers WHERE name = 'home')",
            "audit_events_have_one_actor"),
        Breach(
            "an event of nobody",
            "UPDATE audit_events SET actor_user_id = NULL, actor_token_id = NULL",
            "audit_events_have_one_actor"),
        Breach(
            "an event of a user without a token",
            "UPDATE audit_events SET actor_token_id = NULL", "audit_events_have_one_actor"),
    ]

    @Test(
        "the schema refuses",
        arguments: services + configEntries + deployments + engine + agents + others)
    func refuses(_ breach: Breach) async throws {
        let database = try await SchemaTests.filled.value
        let failure = #expect(throws: CommandFailed.self) {
            // Should the schema accept it, then at least not for the other tests.
            try database.run("BEGIN; \(breach.sql); SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK")
        }
        #expect(failure?.description.contains("\"\(breach.constraint)\"") == true, "\(failure)")
    }

    /// Takes away what would keep a service from changing before its own constraints can.
    static let withoutDeployments = "DELETE FROM create_requests; DELETE FROM deployments"

    /// What lies in one workspace, pointed at what lies in the other.
    static let crossings = [
        Breach(
            "an environment in another workspace's project",
            "UPDATE environments SET project_id = FOREIGN_PROJECT WHERE name = 'second'",
            "environments_project_id_workspace_id_fkey"),
        Breach(
            "a service in another workspace's environment",
            "\(withoutDeployments); UPDATE services SET environment_id = FOREIGN_ENVIRONMENT",
            "services_environment_id_project_id_workspace_id_fkey"),
        Breach(
            "a service that claims another workspace",
            "\(withoutDeployments); UPDATE services SET workspace_id = FOREIGN_WORKSPACE",
            "services_environment_id_project_id_workspace_id_fkey"),
        Breach(
            "a service meant for another workspace's server",
            "UPDATE services SET server_id = FOREIGN_SERVER",
            "services_server_id_workspace_id_fkey"),
        Breach(
            "a deployment in another environment than its service",
            "UPDATE deployments SET environment_id = FOREIGN_ENVIRONMENT",
            "deployments_service_is_at_home"),
        Breach(
            "a deployment on another workspace's server",
            "UPDATE deployments SET server_id = FOREIGN_SERVER",
            "deployments_server_is_at_home"),
    ]

    @Test("no row joins two workspaces", arguments: crossings)
    func keepsApart(_ breach: Breach) async throws {
        let database = try await SchemaTests.filled.value
        let foreign = database.tenancy.foreign
        var sql = breach.sql
        for (name, id) in [
            ("FOREIGN_WORKSPACE", foreign.workspaceID.description),
            ("FOREIGN_PROJECT", foreign.projectID.description),
            ("FOREIGN_ENVIRONMENT", foreign.environmentID.description),
            ("FOREIGN_SERVER", foreign.serverID.description),
        ] {
            sql = sql.split(separator: name, omittingEmptySubsequences: false)
                .joined(separator: "'\(id)'")
        }
        let failure = #expect(throws: CommandFailed.self) {
            try database.run("BEGIN; \(sql); SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK")
        }
        #expect(failure?.description.contains("\"\(breach.constraint)\"") == true, "\(failure)")
    }

    /// One database that no test changes for good: a service of each kind of row.
    private static let filled = Task<MigratedDatabase, any Error> {
        try await withDatabase { database, pool in
            var request = CreateDatabaseRequest.sample(database.tenancy)
            request.requestID = "first"
            _ = try await Modules(pool).services.createDatabase(
                request, caller: try database.tenancy[.owner].caller())
            return database
        }
    }
}
