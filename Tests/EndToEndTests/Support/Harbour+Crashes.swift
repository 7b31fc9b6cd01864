import TestSupport

/// A container that ends is started again a second later: whoever asks for its state must not be late.
extension Harbour {
    /// Has the database note from now on how agents see containers.
    func noteCrashes() throws {
        try installation.run(
            sql: """
                CREATE TABLE seen_containers (service_id uuid NOT NULL, state text NOT NULL);
                CREATE FUNCTION note_seen_container() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO seen_containers VALUES (NEW.service_id, NEW.observed_state);
                    RETURN NULL;
                END $$;
                CREATE TRIGGER note_seen_container AFTER UPDATE ON instances FOR EACH ROW
                    WHEN (OLD.observed_state <> NEW.observed_state)
                    EXECUTE FUNCTION note_seen_container();
                """)
    }

    /// Waits until the control plane says that a database has crashed, or has known it for a while since
    /// ``noteCrashes()``.
    func awaitCrash(of database: Database) throws {
        try eventually(within: .seconds(180), "CRASHED") {
            if try service(database)["state"].string == "SERVICE_STATE_CRASHED" { return true }
            return try installation.run(
                sql: """
                    SELECT count(*) FROM seen_containers
                    WHERE service_id = '\(database.serviceID)' AND state <> 'running'
                    """) != "0"
        }
    }

    /// Waits until a sibling gets an answer: a container may run before its PostgreSQL takes anyone.
    func awaitAnswer(_ answer: String, to sql: String, of database: Database) throws {
        var last = ""
        do {
            try eventually(within: .seconds(180), "the answer of \(sql)") {
                let finished = try query(
                    sql, database.uri, fromEnvironment: database.environmentID)
                last = finished.standardOutput + finished.standardError
                return finished.standardOutput == "\(answer)\n"
            }
        } catch {
            throw ChildProcess.Failed(
                description: "\(error): \(last)\nagent: \(agent.log.suffix(3000))")
        }
    }
}
