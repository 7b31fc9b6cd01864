import Domain
import PostgresClient

/// Makes text of an agent fit to be stored: one line, and no secret of the service in it.
struct ReadableText {
    let sessions: any SessionRunner
    let services: any DeployableServices
    let config: any DeploymentConfig

    /// What stands in the place of text when it cannot be known to hold no secret.
    static let withheld = "(withheld: the service's secrets cannot be read)"

    /// The texts, each as one line without secrets.
    func callAsFunction(_ texts: [String], of serviceID: ServiceID) async throws -> [String] {
        guard texts.contains(where: { !$0.isEmpty }) else { return texts }
        let redactor = try await redactor(of: serviceID)
        return texts.map { text in
            guard let redactor else { return text.isEmpty ? "" : ReadableText.withheld }
            // Cut last: half a secret would not be found.
            return PlainText.line(
                of: redactor.redact(text), lengthMax: EngineLimits.messageLengthMax)
        }
    }

    private func redactor(of serviceID: ServiceID) async throws -> SecretRedactor? {
        try await sessions.inSession { session in
            guard let service = try await services.find(serviceID, in: session).value() else {
                return SecretRedactor([])
            }
            do {
                let entries = try await config.effectiveEntries(
                    serviceID: serviceID, environmentID: service.environmentID, in: session
                ).value()
                return SecretRedactor(entries.secrets)
            } catch is Problem {
                return nil
            }
        }
    }
}

extension [ConfigEntryDraft] {
    /// The values of those that are secret.
    var secrets: [SecretText] {
        compactMap { entry in
            if case .secret(let secret) = entry.value { secret } else { nil }
        }
    }
}
