/// A whole answer of the engine.
struct Answer {
    let status: Int
    let contentType: String
    let bytes: [UInt8]

    /// Docker says `304 Not Modified` where there was nothing to do.
    var isNotModified: Bool { status == 304 }
}

/// What an answer lacks, or has of another type than the Engine API says; becomes
/// ``DockerError/Kind/malformed``.
struct MalformedAnswer: Error {
    /// The field.
    let field: String
}

extension JSON {
    /// A text that the API promises.
    func text(_ name: String) throws(MalformedAnswer) -> String {
        guard let text = self[name]?.string else { throw MalformedAnswer(field: name) }
        return text
    }

    /// A whole number that the API promises.
    func number(_ name: String) throws(MalformedAnswer) -> Int64 {
        guard let number = self[name]?.integer else { throw MalformedAnswer(field: name) }
        return number
    }

    /// A value that the API promises.
    func value(_ name: String) throws(MalformedAnswer) -> JSON {
        guard let value = self[name] else { throw MalformedAnswer(field: name) }
        return value
    }

    /// Texts by name; empty when they are absent.
    func texts(_ name: String) throws(MalformedAnswer) -> [String: String] {
        guard let value = self[name] else { return [:] }
        guard let texts = value.strings else { throw MalformedAnswer(field: name) }
        return texts
    }

    /// A list of texts; empty when it is absent.
    func list(_ name: String) throws(MalformedAnswer) -> [String] {
        try elements(name) { (element) throws(MalformedAnswer) in
            guard let text = element.string else { throw MalformedAnswer(field: name) }
            return text
        }
    }

    /// A list; empty when it is absent.
    func elements<Element>(
        _ name: String, _ decode: (JSON) throws(MalformedAnswer) -> Element
    ) throws(MalformedAnswer) -> [Element] {
        guard let value = self[name] else { return [] }
        return try value.elements(decode, called: name)
    }

    /// This list's elements.
    func elements<Element>(
        _ decode: (JSON) throws(MalformedAnswer) -> Element, called name: String = "list"
    ) throws(MalformedAnswer) -> [Element] {
        guard let array else { throw MalformedAnswer(field: name) }
        var result: [Element] = []
        for element in array { result.append(try decode(element)) }
        return result
    }
}
