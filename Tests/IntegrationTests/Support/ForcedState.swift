import Domain

extension MigratedDatabase {
    /// Puts a deployment into a state whatever it was in, past the trigger that allows no such move.
    func force(_ state: DeploymentState, _ id: DeploymentID) throws {
        let lease =
            state.isAtWork
            ? "lease_holder = 'test', lease_until = now() + interval '1 minute', fencing_token = 1"
            : "lease_holder = NULL, lease_until = NULL"
        try run(
            """
            SET session_replication_role = replica;
            UPDATE deployments SET state = '\(state.rawValue)', \(lease) WHERE id = '\(id)'
            """)
    }
}
