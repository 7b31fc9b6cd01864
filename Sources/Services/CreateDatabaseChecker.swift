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

    /// What is found of a request's fields.
    enum Outcome {
        /// They keep the rules.
        case good(Checked)
        /// Some break rules: every one, in the order of the fields.
        case bad(FieldViolations)
    }

    /// Looks at every field but the environment, which is a matter of authorization.
    ///
    /// - Throws: What the generator of passwords throws.
    func check(_ request: CreateDatabaseRequest) throws -> Outcome {
        var violations = FieldViolations()
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
            return .bad(violations)
        }
        let credentials = try DatabaseCredentials(
            wish: wish, template: template, passwords: passwords, violations: &violations)
        guard let slug, violations.isEmpty else { return .bad(violations) }
        return .good(
            Checked(slug: slug, template: template, credentials: credentials, serverID: serverID))
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
        guard PlainText.allows(name) else {
            violations.add("name", PlainText.rule)
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
        } else if !PlainText.allows(id) {
            violations.add("request_id", PlainText.rule)
        }
    }
}
