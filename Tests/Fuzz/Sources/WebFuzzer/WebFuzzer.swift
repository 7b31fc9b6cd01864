/// Takes one input: a byte that chooses what is fed, and the bytes that it gets.
/// - Returns: Whether it is one.
func fuzzWeb(_ input: [UInt8]) -> Bool {
    guard input.count >= 2, Int(input[0]) < fuzzedParts.count else { return false }
    fuzzedParts[Int(input[0])](Array(input[1...]))
    return true
}

/// What the fuzzer's first byte chooses from. Append only: the corpus depends on the order.
private let fuzzedParts: [@Sendable ([UInt8]) -> Void] = [
    TextBody.check, FramedBody.check, ContentType.check, HeaderSection.check, OriginList.check,
    ErrorFrame.check,
]
