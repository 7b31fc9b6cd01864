/// A kind of database that Berth provisions: one declaration each, no code.
public struct DatabaseTemplate: Hashable, Sendable {
    /// What a caller names it by, such as `postgres`.
    public let id: String
    /// What a page shows, such as `PostgreSQL 16`.
    public let displayName: String
    /// The container image, by reference.
    public let image: String
    /// The network port inside the environment.
    public let port: Int32
    /// The scheme of its connection URI, such as `postgresql`.
    public let uriScheme: String
    /// The database made when the caller names none.
    public let databaseNameDefault: String
    /// The user made when the caller names none.
    public let usernameDefault: String
    /// The config entries that carry the credentials into the container.
    public let keys: Keys

    /// The names of a template's credential variables.
    public struct Keys: Hashable, Sendable {
        /// Holds the user's name.
        public let username: String
        /// Holds the password; a secret.
        public let password: String
        /// Holds the database's name.
        public let databaseName: String
    }
}

extension DatabaseTemplate {
    /// PostgreSQL 16, the official Alpine image.
    public static let postgres = DatabaseTemplate(
        id: "postgres", displayName: "PostgreSQL 16", image: "postgres:16-alpine", port: 5432,
        uriScheme: "postgresql", databaseNameDefault: "app", usernameDefault: "berth",
        keys: Keys(
            username: "POSTGRES_USER", password: "POSTGRES_PASSWORD", databaseName: "POSTGRES_DB"))
}

/// The templates that the control plane owns, ordered by id.
public struct DatabaseCatalogue: Sendable {
    /// The templates.
    public let templates: [DatabaseTemplate]

    /// An image override that names no template.
    public struct UnknownTemplate: Error, CustomStringConvertible {
        /// The name that no template has.
        public let id: String
        /// Names the unknown template.
        public var description: String { "no database template is called '\(id)'" }
    }

    /// Makes the catalogue.
    ///
    /// - Parameter imageOverrides: Image references by template id, from the configuration.
    /// - Throws: ``UnknownTemplate``.
    public init(imageOverrides: [String: String] = [:]) throws(UnknownTemplate) {
        let declared: [DatabaseTemplate] = [.postgres]
        let known = Set(declared.map(\.id))
        for id in imageOverrides.keys.sorted() where !known.contains(id) {
            throw UnknownTemplate(id: id)
        }
        templates = declared.sorted { $0.id < $1.id }.map { template in
            imageOverrides[template.id].map(template.withImage) ?? template
        }
    }

    /// The template of that id, or `nil`.
    public func template(_ id: String) -> DatabaseTemplate? {
        templates.first { $0.id == id }
    }
}

extension DatabaseTemplate {
    fileprivate func withImage(_ image: String) -> DatabaseTemplate {
        DatabaseTemplate(
            id: id, displayName: displayName, image: image, port: port, uriScheme: uriScheme,
            databaseNameDefault: databaseNameDefault, usernameDefault: usernameDefault, keys: keys)
    }
}
