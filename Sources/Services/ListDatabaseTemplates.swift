public import Domain

/// Shows the catalogue to anyone with a valid token.
public struct ListDatabaseTemplates {
    let authorizer: any Authorizer
    let catalogue: DatabaseCatalogue

    /// The templates in the catalogue's order.
    ///
    /// - Throws: ``Problem`` of kind `unauthenticated`.
    public func callAsFunction(caller: CallerContext) async throws -> [DatabaseTemplate] {
        _ = try await authorizer.authenticate(caller.credential)
        return catalogue.templates
    }
}
