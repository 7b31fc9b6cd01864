import Glibc
import Testing

/// Feeds the fuzzers what they found worth keeping, without libFuzzer; a broken rule traps, as there. And
/// so that the fuzzers are compiled whenever everything is.
@Suite struct ReplayTests {
    @Test(
        "every input that a fuzzer kept is still one, and breaks no rule",
        arguments: ["corpus.txt", "web-corpus.txt", "metadata-corpus.txt"])
    func replay(corpus: String) throws {
        let inputs = try ReplayTests.inputs(corpus)
        #expect(inputs.count > 200)
        for input in inputs {
            let isTaken =
                switch corpus {
                case "web-corpus.txt": fuzzWeb(input)
                case "metadata-corpus.txt": fuzzMetadata(input)
                default: fuzzMessage(input)
                }
            #expect(isTaken, "\(input)")
        }
    }

    @Test("each type of message has an input that is read")
    func everyType() throws {
        let types = Set(try ReplayTests.inputs("corpus.txt").map { Int($0[0]) })
        #expect(types == Set(fuzzedMessages.indices))
    }

    /// The inputs of a corpus: one a line in hexadecimal.
    private static func inputs(_ corpus: String) throws -> [[UInt8]] {
        let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try #require(fopen("/\(folder)/\(corpus)", "r"))
        defer { fclose(file) }
        var text: [UInt8] = []
        while case let byte = fgetc(file), byte != EOF { text.append(UInt8(byte)) }
        return try String(decoding: text, as: UTF8.self).split(separator: "\n").map { line in
            try stride(from: 0, to: line.utf8.count, by: 2).map { offset in
                let start = line.index(line.startIndex, offsetBy: offset)
                return try #require(UInt8(line[start...].prefix(2), radix: 16))
            }
        }
    }
}
