/// Collects what is wrong with a request, so that the caller hears it all at once.
public struct FieldViolations {
    private var list: [Problem.FieldViolation] = []

    /// Starts with no violation.
    public init() {}

    /// Notes that `field` breaks `rule`.
    public mutating func add(_ field: String, _ rule: String) {
        list.append(Problem.FieldViolation(field: field, rule: rule))
    }

    /// Parses an id that must be there; notes a violation and returns `nil` otherwise.
    public mutating func identifier<Kind>(
        _ text: String, field: String, as kind: Identifier<Kind>.Type = Identifier<Kind>.self
    ) -> Identifier<Kind>? {
        if text.isEmpty {
            add(field, "is required")
            return nil
        }
        guard let id = Identifier<Kind>(text) else {
            add(field, "must be a UUID such as 018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a34")
            return nil
        }
        return id
    }

    /// Notes what the others note, after what was noted so far.
    public mutating func add(_ others: FieldViolations) { list += others.list }

    /// What the caller is told; of violations that are there.
    public var problem: Problem { .invalid(list) }

    /// Whether nothing was noted.
    public var isEmpty: Bool { list.isEmpty }

    /// Throws everything that was noted, if anything was.
    public func throwIfAny() throws(Problem) {
        guard list.isEmpty else { throw .invalid(list) }
    }
}
