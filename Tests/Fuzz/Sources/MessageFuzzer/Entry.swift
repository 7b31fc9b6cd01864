/// What libFuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzzMessage(Array(UnsafeBufferPointer(start: start, count: count))) ? 0 : -1
}
