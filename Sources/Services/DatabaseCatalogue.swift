public import Domain

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
    /// Where the volume is mounted in the container.
    public let mountPath: String
    /// Where the data lies, below the mount.
    public let dataPath: String
    /// The variable that tells the container where its data lies.
    public let dataPathKey: String
    /// What a container may use.
    public let limits: ResourceLimits

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
            username: "POSTGRES_USER", password: "POSTGRES_PASSWORD", databaseName: "POSTGRES_DB"),
        mountPath: "/var/lib/postgresql/data",
        // Below the mount: initdb takes no folder that has a lost+found or our marker beside it.
        dataPath: "/var/lib/postgresql/data/pgdata", dataPathKey: "PGDATA",
        limits: .database)
}

/// The templates that the control plane owns, ordered by id.
public struct DatabaseCatalogue: Sendable {
    /// The templates.
    public let templates: [DatabaseTemplate]

    /// What is wrong with an image override.
    public enum OverrideRefusal: Error, Equatable, CustomStringConvertible {
        /// No template has that name.
        case unknownTemplate(String)
        /// The image cannot be one.
        case malformedImage(String)

        /// Names what is wrong, and the rule.
        public var description: String {
            switch self {
            case .unknownTemplate(let id): "no database template is called '\(id)'"
            case .malformedImage(let image):
                "'\(image)' is no image: it must be [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST], "
                    + "with NAME in lower case"
            }
        }
    }

    /// Makes the catalogue.
    ///
    /// - Parameter imageOverrides: Image references by template id, from the configuration.
    /// - Throws: ``OverrideRefusal``.
    public init(imageOverrides: [String: String] = [:]) throws(OverrideRefusal) {
        let declared: [DatabaseTemplate] = [.postgres]
        let known = Set(declared.map(\.id))
        for (id, image) in imageOverrides.sorted(by: { $0.key < $1.key }) {
            guard known.contains(id) else { throw .unknownTemplate(id) }
            guard DatabaseCatalogue.isImage(image) else { throw .malformedImage(image) }
        }
        templates = declared.sorted { $0.id < $1.id }.map { template in
            imageOverrides[template.id].map(template.withImage) ?? template
        }
    }

    /// Whether a text has the form of an image's name (the grammar of github.com/distribution/reference,
    /// in short).
    private static func isImage(_ text: String) -> Bool {
        let form =
            #/
            ([A-Za-z0-9.\-]+(:[0-9]+)?\/)?
            [a-z0-9]+([._\-\/]+[a-z0-9]+)*
            (:[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127})?
            (@sha256:[0-9a-f]{64})?
            /#
        return text.wholeMatch(of: form) != nil
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
            databaseNameDefault: databaseNameDefault, usernameDefault: usernameDefault, keys: keys,
            mountPath: mountPath, dataPath: dataPath, dataPathKey: dataPathKey, limits: limits)
    }
}

extension DatabaseTemplate {
    /// How the data of its services lies.
    public var layout: DataLayout {
        DataLayout(
            image: image, port: port, mountPath: mountPath, dataPath: dataPath, limits: limits)
    }

    /// What its containers are like.
    var blueprint: ContainerBlueprint {
        ContainerBlueprint(
            mountPath: mountPath, dataPath: dataPath, dataPathKey: dataPathKey, limits: limits,
            probeKeys: ContainerBlueprint.ProbeKeys(
                username: keys.username, password: keys.password, databaseName: keys.databaseName))
    }
}

extension ResourceLimits {
    /// Enough for a database on a small server, and too little to take it down.
    ///
    /// Two processors, or as many as the server has if those are fewer: what a query and its autovacuum
    /// use at once, so that bursts of one database are not slowed and yet none takes a larger server
    /// for itself. 128 MiB of shared memory are twice what Docker gives, which parallel queries outgrow.
    fileprivate static let database = ResourceLimits(
        cpuMillis: 2000, memoryBytes: 1024 * 1024 * 1024, pidsMax: 512,
        logFileBytesMax: 10 * 1024 * 1024, logFilesMax: 3, sharedMemoryBytes: 128 * 1024 * 1024)
}
