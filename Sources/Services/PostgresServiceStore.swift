public import Domain
public import PostgresClient
import SQL

/// Services in PostgreSQL.
public struct PostgresServiceStore: ServiceStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Queues the insert; see ``ServiceStore/insertWithinTx(_:_:)``.
    public func insertWithinTx(_ tx: Transaction, _ service: Service) async throws {
        var templateID: String?
        if case .template(let id) = service.source { templateID = id }
        tx.send(
            Statements.insert,
            [
                .id(service.id), .id(service.workspaceID), .id(service.projectID),
                .id(service.environmentID), .text(service.name), .text(service.slug.description),
                .text(service.kind.rawValue), .text(templateID == nil ? "image" : "template"),
                templateID.map { .text($0) } ?? .null, .text(service.image), .int32(service.port),
                .text(service.visibility.rawValue), service.serverID.map { .id($0) } ?? .null,
                .time(service.createdAt), .time(service.updatedAt),
            ],
            onFailure: { error in
                guard error.constraintName == "services_slug_is_unique_in_environment" else {
                    return error
                }
                return Problem.nameTaken(service.slug)
            })
    }

    /// Queues the check; see ``ServiceStore/requireQuotaWithinTx(_:workspaceID:max:)``.
    public func requireQuotaWithinTx(
        _ tx: Transaction, workspaceID: WorkspaceID, max: Int32
    ) async throws {
        tx.send(
            Statements.requireQuota, [.id(workspaceID), .int32(max)],
            onFailure: { error in
                guard error.constraintName == "services_per_workspace_max" else { return error }
                return Problem(
                    .resourceExhausted,
                    "the workspace has \(max) services, its quota (services_per_workspace_max); "
                        + "delete one first")
            })
    }

    /// Queues the query for one row by its key.
    public func find(_ id: ServiceID, in session: Session) -> Pending<Service?> {
        let rows = session.send(Statements.find, [.id(id)])
        return Pending { try await rows.rows().first.map(PostgresServiceStore.service) }
    }

    /// Queues the query for a page by the list's index.
    public func list(
        _ list: ServiceList, after: ServiceID?, limit: Int, in session: Session
    ) -> Pending<[Service]> {
        let (statement, key): (Statement, PostgresValue) =
            switch list {
            case .environment(let id): (Statements.listEnvironment, .id(id))
            case .project(let id): (Statements.listProject, .id(id))
            case .workspace(let id): (Statements.listWorkspace, .id(id))
            }
        let rows = session.send(
            statement, [key, after.map { .id($0) } ?? .null, .int64(Int64(limit))])
        return Pending { try await rows.rows().map(PostgresServiceStore.service) }
    }

    /// Queues the query for an environment and the ids.
    public func list(
        of environmentID: EnvironmentID, alsoDeleted ids: [ServiceID], limit: Int,
        in session: Session
    ) -> Pending<[Service]> {
        let rows = session.send(
            Statements.listWatched,
            [.id(environmentID), .textArray(ids.map(\.description)), .int64(Int64(limit))])
        return Pending { try await rows.rows().map(PostgresServiceStore.service) }
    }

    /// Updates the row unless it is a tombstone, then reads it.
    public func markDeletedWithinTx(
        _ tx: Transaction, _ id: ServiceID, at time: Timestamp, purgeAt: Timestamp
    ) async throws -> (service: Service, deletedNow: Bool)? {
        let updated = tx.send(Statements.markDeleted, [.id(id), .time(time), .time(purgeAt)])
        guard let row = try await tx.query(Statements.find, [.id(id)]).first else { return nil }
        let deletedNow = try await !updated.rows().isEmpty
        return (try PostgresServiceStore.service(row), deletedNow)
    }

    /// Queues the update; see ``ServiceStore``.
    public func markUndeletedWithinTx(
        _ tx: Transaction, _ service: Service, at time: Timestamp
    ) async throws {
        tx.send(
            Statements.markUndeleted, [.id(service.id), .time(time)],
            onFailure: { error in
                guard error.constraintName == "services_slug_is_unique_in_environment" else {
                    return error
                }
                return Problem(
                    .alreadyExists,
                    "another service of the environment is called '\(service.slug)' by now; "
                        + "delete that one first")
            })
    }

    /// Reads and locks one row by its key.
    public func lockWithinTx(_ tx: Transaction, _ id: ServiceID) async throws -> Service? {
        try await tx.query(Statements.lock, [.id(id)]).first.map(PostgresServiceStore.service)
    }

    /// Queues the update; see ``ServiceStore``.
    public func chooseServerWithinTx(
        _ tx: Transaction, _ id: ServiceID, serverID: ServerID, at time: Timestamp
    ) async throws {
        tx.send(Statements.chooseServer, [.id(id), .id(serverID), .time(time)])
    }

    /// Queues the update; see ``ServiceStore``.
    public func markTornDownWithinTx(
        _ tx: Transaction, _ id: ServiceID, at time: Timestamp
    ) async throws {
        tx.send(Statements.markTornDown, [.id(id), .time(time)])
    }

    /// Queues the update; see ``ServiceStore``.
    public func markPurgeQueuedWithinTx(
        _ tx: Transaction, _ id: ServiceID, at time: Timestamp
    ) async throws {
        tx.send(Statements.markPurgeQueued, [.id(id), .time(time)])
    }

    /// Queues the update; see ``ServiceStore``.
    public func markPurgedWithinTx(
        _ tx: Transaction, _ id: ServiceID, at time: Timestamp
    ) async throws {
        tx.send(Statements.markPurged, [.id(id), .time(time)])
    }

    /// Reads and locks by the index of what is to be purged.
    public func dueForPurgeWithinTx(
        _ tx: Transaction, at time: Timestamp, limit: Int
    ) async throws -> [Service] {
        try await tx.query(Statements.dueForPurge, [.time(time), .int64(Int64(limit))])
            .map(PostgresServiceStore.service)
    }

    private static func service(_ row: Row) throws -> Service {
        let templateID = try row.textIfPresent("template_id")
        guard let kind = Service.Kind(rawValue: try row.text("kind")),
            let visibility = Service.Visibility(rawValue: try row.text("visibility"))
        else {
            throw Problem(
                .internalFault, "a stored service cannot be read",
                privateContext: "services holds a kind or visibility that this build lacks")
        }
        return Service(
            id: try row.id("id"), workspaceID: try row.id("workspace_id"),
            projectID: try row.id("project_id"), environmentID: try row.id("environment_id"),
            name: try row.text("name"), slug: ServiceSlug(stored: try row.text("slug")),
            kind: kind, source: templateID.map { .template($0) } ?? .image,
            image: try row.text("image"), port: try row.int32("port"), visibility: visibility,
            serverID: try row.idIfPresent("server_id"), createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"), deletedAt: try row.timeIfPresent("deleted_at"),
            tornDownAt: try row.timeIfPresent("torn_down_at"),
            purgeAt: try row.timeIfPresent("purge_at"),
            purgedAt: try row.timeIfPresent("purged_at"))
    }

    // Columns are named one by one: `*` would break prepared statements when a column is added.
    enum Statements {
        /// What every statement begins with that reads services: the columns of `service(_:)`.
        static let read: StaticString = """
            SELECT id, workspace_id, project_id, environment_id, name, slug, kind, template_id, image,
                port, visibility, server_id, created_at, updated_at, deleted_at, torn_down_at,
                purge_at, purged_at
            FROM services
            """
        static let insert = Statement(
            "services_insert",
            """
            INSERT INTO services (id, workspace_id, project_id, environment_id, name, slug, kind,
                source, template_id, image, port, visibility, server_id, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            """)
        static let find = Statement("services_find", read, "WHERE id = $1")
        static let listEnvironment = Statement(
            "services_list_environment",
            read,
            """
            WHERE environment_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3
            """)
        static let listProject = Statement(
            "services_list_project",
            read,
            """
            WHERE project_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3
            """)
        static let listWorkspace = Statement(
            "services_list_workspace",
            read,
            """
            WHERE workspace_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3
            """)
        static let requireQuota = Statement(
            "services_require_quota", "SELECT require_service_quota($1, $2)")
        static let listWatched = Statement(
            "services_list_watched",
            read,
            """
            WHERE environment_id = $1
                AND (deleted_at IS NULL OR id = ANY($2::text[]::uuid[]))
            ORDER BY id DESC LIMIT $3
            """)
        static let lock = Statement(
            "services_lock", read, "WHERE id = $1 FOR NO KEY UPDATE")
        static let markDeleted = Statement(
            "services_mark_deleted",
            """
            UPDATE services SET deleted_at = $2, updated_at = $2, purge_at = $3
            WHERE id = $1 AND deleted_at IS NULL RETURNING id
            """)
        static let markUndeleted = Statement(
            "services_mark_undeleted",
            """
            UPDATE services SET deleted_at = NULL, torn_down_at = NULL, purge_at = NULL,
                purge_queued_at = NULL, updated_at = $2
            WHERE id = $1
            """)
        static let chooseServer = Statement(
            "services_choose_server",
            """
            UPDATE services SET server_id = $2, updated_at = $3
            WHERE id = $1 AND server_id IS DISTINCT FROM $2
            """)
        static let markTornDown = Statement(
            "services_mark_torn_down",
            "UPDATE services SET torn_down_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL")
        static let markPurgeQueued = Statement(
            "services_mark_purge_queued",
            "UPDATE services SET purge_queued_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL")
        static let markPurged = Statement(
            "services_mark_purged",
            "UPDATE services SET purged_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL")
        static let dueForPurge = Statement(
            "services_due_for_purge",
            read,
            """
            WHERE purge_at <= $1 AND torn_down_at IS NOT NULL AND purge_queued_at IS NULL
                AND purged_at IS NULL
            ORDER BY purge_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
            """)
    }
}

extension Problem {
    static func nameTaken(_ slug: ServiceSlug) -> Problem {
        Problem(
            .alreadyExists,
            "the environment has a service called '\(slug)' already; choose another name",
            violations: [
                FieldViolation(
                    field: "name", rule: "makes the host name '\(slug)', which is taken")
            ])
    }
}
