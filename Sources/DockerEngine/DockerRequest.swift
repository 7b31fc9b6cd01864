/// One call of the Docker Engine API as a value: what it asks, not how it is sent.
///
/// The path has no version; ``DockerClient`` puts the negotiated one before it. Prints without its
/// body, for a container's environment holds secrets.
public struct DockerRequest: Equatable, Sendable {
    /// An HTTP method.
    public enum Method: String, Sendable {
        /// Reads.
        case get = "GET"
        /// Creates, or acts.
        case post = "POST"
        /// Writes files.
        case put = "PUT"
        /// Removes.
        case delete = "DELETE"
    }

    /// One name and value of a query.
    public struct QueryItem: Equatable, Sendable {
        /// The name.
        public let name: String
        /// The value, not encoded.
        public let value: String

        /// Makes an item.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What is sent.
    public enum Body: Equatable, Sendable {
        /// `application/json`.
        case json(JSON)
        /// `application/x-tar`.
        case archive([UInt8])

        var bytes: [UInt8] {
            switch self {
            case .json(let value): value.bytes
            case .archive(let bytes): bytes
            }
        }
    }

    /// What is done, in words, for errors: `create container`.
    public let operation: String
    /// The method.
    public let method: Method
    /// The path, percent-encoded, such as `/containers/create`.
    public let path: String
    /// The query, in order.
    public let query: [QueryItem]
    /// What is sent, if anything.
    public let body: Body?

    /// Makes a request.
    public init(
        _ operation: String, _ method: Method, _ path: String, query: [QueryItem] = [],
        body: Body? = nil
    ) {
        self.operation = operation
        self.method = method
        self.path = path
        self.query = query
        self.body = body
    }

    /// Path and query as they stand in the request line, without a version.
    public var target: String {
        guard !query.isEmpty else { return path }
        let items = query.map {
            "\(DockerRequest.encoded($0.name))=\(DockerRequest.encoded($0.value))"
        }
        return "\(path)?\(items.joined(separator: "&"))"
    }

    /// A text as one segment of a path or one value of a query (RFC 3986 section 2.1).
    ///
    /// - Parameter kept: What may stand besides the unreserved characters.
    static func encoded(_ text: String, keeping kept: String = "") -> String {
        let kept = Set(kept.utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) || kept.contains(byte) {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                let digits = String(byte, radix: 16, uppercase: true)
                if byte < 0x10 { result.append(UInt8(ascii: "0")) }
                result += digits.utf8
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension DockerRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The method and the path; never the body.
    public var description: String { "\(method.rawValue) \(path)" }
    /// As ``description``.
    public var debugDescription: String { description }
    /// Shows nothing of the body to `dump`.
    public var customMirror: Mirror {
        Mirror(self, children: ["method": method.rawValue, "path": path])
    }
}

extension DockerRequest {
    /// Docker's `filters` parameter: an object of lists.
    static func filters(_ filters: KeyValuePairs<String, [String]>) -> [QueryItem] {
        let used = filters.filter { !$0.value.isEmpty }
        guard !used.isEmpty else { return [] }
        let object = JSON.object(used.map { JSON.Member($0.key, .strings($0.value)) })
        return [QueryItem("filters", String(decoding: object.bytes, as: UTF8.self))]
    }

    /// Labels as Docker's filters write them: `name=value`, ordered by name.
    static func labelFilters(_ labels: [String: String]) -> [String] {
        labels.map { "\($0.key)=\($0.value)" }.sorted()
    }
}

/// Something that is listed by its labels.
protocol Labelled {
    var labels: [String: String] { get }
}

extension ContainerSummary: Labelled {}
extension NetworkDetails: Labelled {}
extension VolumeDetails: Labelled {}

extension Array where Element: Labelled {
    /// Those that have all of these labels: what asks for spares must not be given data. Podman 4.3
    /// lists volumes that have any.
    func having(_ labels: [String: String]) -> [Element] {
        filter { element in labels.allSatisfy { element.labels[$0.key] == $0.value } }
    }
}
