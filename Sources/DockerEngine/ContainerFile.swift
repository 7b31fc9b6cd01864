/// One small file as the Docker Engine API carries it: a tar archive (POSIX.1-1988 "ustar") with
/// nothing else in it.
public struct ContainerFile: Equatable, Sendable {
    /// The name, without a folder; at most ``nameBytesMax`` bytes.
    public var name: String
    /// The content.
    public var bytes: [UInt8]
    /// The permissions, such as 0o600.
    public var mode: Int
    /// The owner's number.
    public var userID: Int
    /// The group's number.
    public var groupID: Int

    /// Describes a file.
    public init(name: String, bytes: [UInt8], mode: Int = 0o644, userID: Int = 0, groupID: Int = 0)
    {
        self.name = name
        self.bytes = bytes
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
    }

    /// The longest name; the format's own limit.
    public static let nameBytesMax = 100
    private static let blockBytes = 512

    /// The archive; nil when the name is no plain name of allowed length, or a number does not fit.
    var archive: [UInt8]? {
        let isPlain =
            !name.isEmpty && name != "." && name != ".." && !name.contains("/")
            && !name.utf8.contains(0) && name.utf8.count <= ContainerFile.nameBytesMax
        guard isPlain, [mode, userID, groupID].allSatisfy({ (0..<0o777_7777).contains($0) }) else {
            return nil
        }
        var header: [UInt8] = []
        ContainerFile.add(name, width: 100, to: &header)
        ContainerFile.add(ContainerFile.octal(mode, digits: 7), width: 8, to: &header)
        ContainerFile.add(ContainerFile.octal(userID, digits: 7), width: 8, to: &header)
        ContainerFile.add(ContainerFile.octal(groupID, digits: 7), width: 8, to: &header)
        ContainerFile.add(ContainerFile.octal(bytes.count, digits: 11), width: 12, to: &header)
        ContainerFile.add(ContainerFile.octal(0, digits: 11), width: 12, to: &header)
        // The sum is made with spaces in its own place.
        let sumStart = header.count
        ContainerFile.add("        ", width: 8, to: &header)
        ContainerFile.add("0", width: 101, to: &header)
        ContainerFile.add("ustar", width: 6, to: &header)
        ContainerFile.add("00", width: ContainerFile.blockBytes - header.count, to: &header)
        let sum = header.reduce(0) { $0 + Int($1) }
        header.replaceSubrange(
            sumStart..<sumStart + 7, with: Array(ContainerFile.octal(sum, digits: 6).utf8) + [0])
        let padding =
            (ContainerFile.blockBytes - bytes.count % ContainerFile.blockBytes)
            % ContainerFile.blockBytes
        return header + bytes
            + [UInt8](repeating: 0, count: padding + 2 * ContainerFile.blockBytes)
    }

    /// Reads the first entry of an archive.
    /// - Throws: ``MalformedAnswer`` for what is no archive, or does not begin with a plain file.
    init(archive: [UInt8]) throws(MalformedAnswer) {
        guard archive.count >= ContainerFile.blockBytes else {
            throw MalformedAnswer(field: "archive")
        }
        func number(_ range: Range<Int>) throws(MalformedAnswer) -> Int {
            let digits = archive[range].drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
            let text = String(decoding: digits, as: UTF8.self)
            guard let number = Int(text, radix: 8), number >= 0 else {
                throw MalformedAnswer(field: "archive")
            }
            return number
        }
        let kind = archive[156]
        let size = try number(124..<136)
        guard kind == 0 || kind == UInt8(ascii: "0"),
            size <= archive.count - ContainerFile.blockBytes
        else { throw MalformedAnswer(field: "archive") }
        name = String(decoding: archive[..<100].prefix { $0 != 0 }, as: UTF8.self)
        bytes = Array(archive[ContainerFile.blockBytes..<ContainerFile.blockBytes + size])
        // Docker also writes what kind of file it is, which stands elsewhere.
        mode = try number(100..<108) & 0o7777
        userID = try number(108..<116)
        groupID = try number(116..<124)
    }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private static func add(_ text: String, width: Int, to bytes: inout [UInt8]) {
        bytes += text.utf8
        bytes += [UInt8](repeating: 0, count: width - text.utf8.count)
    }
}
