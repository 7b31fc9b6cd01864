import Glibc
import Messages
import Testing

/// Reads what the fuzzer found worth keeping, without the fuzzer.
@Suite struct CorpusTests {
    private static let goldens = goldenBerthMessages + goldenAgentMessages + goldenStandardMessages

    @Test(
        "every input of the fuzzer's corpus is refused with a typed error, or is stable as any type"
    )
    func corpus() throws {
        let inputs = try CorpusTests.inputs()
        #expect(inputs.count > 20)
        for input in inputs {
            for golden in CorpusTests.goldens {
                do {
                    #expect(try golden.isStable(input), "\(golden.typeName): \(input)")
                } catch let error as MessageError {
                    #expect(error != .refusedByUnpacker, "\(golden.typeName): \(input)")
                }
            }
        }
    }

    /// The encoded messages of Tests/Fuzz/corpus.txt: one a line in hexadecimal, behind two bytes that
    /// choose the fuzzer's type and limits.
    private static func inputs() throws -> [[UInt8]] {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let file = try #require(fopen("/\(folder)/Fuzz/corpus.txt", "r"))
        defer { fclose(file) }
        var text: [UInt8] = []
        while case let byte = fgetc(file), byte != EOF { text.append(UInt8(byte)) }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map { line in
            Array([UInt8](hexadecimal: String(line)).dropFirst(2))
        }
    }
}
