import Domain

/// The rules of a create request's fields.
struct CreateDatabaseChecker {
    let catalogue: DatabaseCatalogue
    let passwords: any PasswordGenerator

    /// The bytes that a service's name may have.
    static let nameLengthMax = 128
    /// The bytes that a request id may have.
    static let requestIDLengthMax = 128

    /// What a request means once its fields are known to be good.
    struct Checked {
        let slug: ServiceSlug
        let template: DatabaseTemplate
        let credentials: DatabaseCredentials
        let serverID: ServerID?
    }

    /// Notes every violation, in the order of the fields; `nil` when nothing could be planned.
    func check(
        _ request: CreateDatabaseRequest, _ violations: inout FieldViolations
    ) throws -> Checked? {
        let slug = slug(of: request.name, &violations)
        let template = catalogue.template(request.templateID)
        if template == nil {
            let known = catalogue.templates.map(\.id).joined(separator: ", ")
            violations.add("template_id", "must be one of: \(known)")
        }
        let serverID = server(of: request, &violations)
        checkRequestID(request.requestID, &violations)
        let wish = DatabaseCredentials.Wish(
            databaseName: request.databaseName, username: request.username,
            password: request.password)
        guard let template else {
            DatabaseCredentials.check(wish, &violations)
            return nil
        }
        let credentials = try DatabaseCredentials(
            wish: wish, template: template, passwords: passwords, violations: &violations)
        return slug.map {
            Checked(slug: $0, template: template, credentials: credentials, serverID: serverID)
        }
    }

    private func slug(of name: String, _ violations: inout FieldViolations) -> ServiceSlug? {
        guard !isBlank(name) else {
            violations.add("name", "is required")
            return nil
        }
        guard name.utf8.count <= CreateDatabaseChecker.nameLengthMax else {
            violations.add(
                "name", "must be at most \(CreateDatabaseChecker.nameLengthMax) bytes long")
            return nil
        }
        guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            violations.add("name", "must not hold control characters")
            return nil
        }
        do {
            return try ServiceSlug(name: name)
        } catch {
            violations.add("name", error.rule)
            return nil
        }
    }

    private func server(
        of request: CreateDatabaseRequest, _ violations: inout FieldViolations
    ) -> ServerID? {
        if request.serverID.isEmpty {
            if request.deployNow { violations.add("server_id", "is required to deploy now") }
            return nil
        }
        return violations.identifier(request.serverID, field: "server_id")
    }

    private func checkRequestID(_ id: String, _ violations: inout FieldViolations) {
        if id.utf8.count > CreateDatabaseChecker.requestIDLengthMax {
            violations.add(
                "request_id",
                "must be at most \(CreateDatabaseChecker.requestIDLengthMax) bytes long")
        }
    }
}
