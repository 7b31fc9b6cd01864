/// What libFuzzer calls with every input: a byte that chooses what is fed, and the bytes that it gets.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count >= 2 else { return -1 }
    let choice = Int(start[0])
    guard choice < fuzzedParts.count else { return -1 }
    fuzzedParts[choice](Array(UnsafeBufferPointer(start: start + 1, count: count - 1)))
    return 0
}

/// What the fuzzer's first byte chooses from. Append only: the corpus depends on the order.
private let fuzzedParts: [@Sendable ([UInt8]) -> Void] = [
    TextBody.check, FramedBody.check, ContentType.check, HeaderSection.check, OriginList.check,
    ErrorFrame.check,
]
