/// Finds the files of a descriptor set by name, by symbol and by extension.
struct DescriptorIndex {
    /// One file of the set.
    struct File {
        var name = ""
        var dependencies: [String] = []
        var bytes: [UInt8] = []
    }

    private(set) var files: [String: File] = [:]
    /// Full names of services, methods, messages, fields, enums, enum values and extensions, to the
    /// name of their file.
    private var symbols: [String: String] = [:]
    /// Full names of messages, to their extensions by number and the extensions' files.
    private var extensions: [String: [Int32: String]] = [:]

    /// Indexes a serialized `google.protobuf.FileDescriptorSet`.
    /// - Throws: ``MalformedDescriptor``.
    init(_ set: [UInt8]) throws(MalformedDescriptor) {
        var fields = ProtobufFields(set[...])
        while let field = try fields.next() {
            if field.number == 1 { try addFile(field.content) }
        }
    }

    func file(containing symbol: String) -> File? { symbols[symbol].flatMap { files[$0] } }

    func file(containingExtension number: Int32, of type: String) -> File? {
        extensions[type]?[number].flatMap { files[$0] }
    }

    /// The numbers of the extensions of `type`, sorted; nil for an unknown type.
    func extensionNumbers(of type: String) -> [Int32]? {
        if let known = extensions[type] { return known.keys.sorted() }
        return symbols[type] == nil ? nil : []
    }

    // MARK: Reading descriptor.proto

    private mutating func addFile(_ bytes: ArraySlice<UInt8>) throws(MalformedDescriptor) {
        var file = File()
        file.bytes = Array(bytes)
        var package = ""
        var fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            switch field.number {
            case 1: file.name = field.text
            case 2: package = field.text
            case 3: file.dependencies.append(field.text)
            default: break
            }
        }
        files[file.name] = file
        // A second pass, since the package may stand behind what it names.
        fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            switch field.number {
            case 4: try addMessage(field.content, in: package, file.name, depth: 0)
            case 5: try addEnum(field.content, in: package, file.name)
            case 6: try addMembers(field.content, in: package, file.name, memberNumbers: [2])
            case 7: try addExtension(field.content, in: package, file.name)
            default: break
            }
        }
    }

    private mutating func addMessage(
        _ bytes: ArraySlice<UInt8>,
        in scope: String,
        _ file: String,
        depth: Int
    ) throws(MalformedDescriptor) {
        guard depth < DescriptorIndex.depthMax else { throw MalformedDescriptor() }
        let name = try addMembers(bytes, in: scope, file, memberNumbers: [2, 8])
        var fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            switch field.number {
            case 3: try addMessage(field.content, in: name, file, depth: depth + 1)
            case 4: try addEnum(field.content, in: name, file)
            case 6: try addExtension(field.content, in: name, file)
            default: break
            }
        }
    }

    /// The values of an enum are names of the scope around it.
    private mutating func addEnum(
        _ bytes: ArraySlice<UInt8>,
        in scope: String,
        _ file: String
    ) throws(MalformedDescriptor) {
        var fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            switch field.number {
            case 1: symbols[join(scope, field.text)] = file
            case 2: symbols[join(scope, try name(of: field.content))] = file
            default: break
            }
        }
    }

    private mutating func addExtension(
        _ bytes: ArraySlice<UInt8>,
        in scope: String,
        _ file: String
    ) throws(MalformedDescriptor) {
        var extended = ""
        var number: Int32 = 0
        var fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            switch field.number {
            case 1: symbols[join(scope, field.text)] = file
            case 2: extended = field.text
            case 3: number = Int32(truncatingIfNeeded: field.varint)
            default: break
            }
        }
        if extended.hasPrefix(".") { extended.removeFirst() }
        extensions[extended, default: [:]][number] = file
    }

    /// Adds what a message or a service declares: itself, and the names of the given fields in it.
    /// - Returns: Its full name.
    @discardableResult
    private mutating func addMembers(
        _ bytes: ArraySlice<UInt8>,
        in scope: String,
        _ file: String,
        memberNumbers: [Int]
    ) throws(MalformedDescriptor) -> String {
        let fullName = join(scope, try name(of: bytes))
        symbols[fullName] = file
        var fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            guard memberNumbers.contains(field.number) else { continue }
            symbols[join(fullName, try name(of: field.content))] = file
        }
        return fullName
    }

    /// Field 1, which is the name in every kind of descriptor.
    private func name(of bytes: ArraySlice<UInt8>) throws(MalformedDescriptor) -> String {
        var fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            if field.number == 1 { return field.text }
        }
        throw MalformedDescriptor()
    }

    private func join(_ scope: String, _ name: String) -> String {
        scope.isEmpty ? name : "\(scope).\(name)"
    }

    private static let depthMax = 32
}
