import Domain
import PostgresClient

/// A body threw nothing, although it had to.
struct NothingThrown: Error {}

/// Gives the ``Problem`` that `body` throws; anything else it throws is passed on.
func problem(_ body: () async throws -> Void) async throws -> Problem {
    do {
        try await body()
    } catch let problem as Problem {
        return problem
    }
    throw NothingThrown()
}

/// Gives the ``PostgresError`` that `body` throws; anything else it throws is passed on.
func postgresError(_ body: () async throws -> Void) async throws -> PostgresError {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    }
    throw NothingThrown()
}
