import Messages
import Testing

/// Damages golden messages in ways that a seed fixes: nothing may trap, and what still passes must
/// come out of encoding and decoding as it went in.
@Suite struct MutationTests {
    private static let roundsEach = 600

    @Test(
        "a damaged message is refused with a typed error, or is a stable message",
        arguments: goldenBerthMessages + goldenAgentMessages + goldenStandardMessages
    )
    func damage(_ golden: GoldenMessage) throws {
        var random = SplitMix64(state: UInt64(golden.bytes.count) &* 0x9E37_79B9)
        for round in 0..<MutationTests.roundsEach {
            let bytes = random.damaged(golden.bytes)
            do {
                #expect(try golden.isStable(bytes), "round \(round): \(bytes)")
            } catch let error as MessageError {
                #expect(error != .refusedByUnpacker, "round \(round): \(bytes)")
            }
        }
    }
}

/// A small generator of numbers that are the same in every run.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// `bytes` with one to four kinds of damage.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let place = Int.random(in: 0...result.count, using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0 where place < result.count:
                result[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1 where place < result.count:
                result[place] =
                    [0x00, 0x7F, 0x80, 0xFF, 0x0A, 0x08].randomElement(using: &self) ?? 0
            case 2 where place < result.count:
                result.remove(at: place)
            case 3:
                result.insert(UInt8.random(in: 0...255, using: &self), at: place)
            case 4:
                let end = Int.random(in: place...result.count, using: &self)
                result.insert(contentsOf: Array(result[place..<end]), at: place)
            default:
                result.removeSubrange(place..<result.count)
            }
        }
        return result
    }
}
