/// The buffers that the connections of one loop use in turn, so that an idle one owns none.
@safe public final class LoopBuffers {
    // Safe: allocated here, freed in deinit, and lent only for the length of a call.
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: inputBytes, alignment: 16)
    var output: [UInt8] = []
    let usage = LoopUsage()

    static let inputBytes = 64 * 1024
    static let outputBytes = 128 * 1024

    /// Makes the buffers of one loop.
    public init() { output.reserveCapacity(LoopBuffers.outputBytes + 32 * 1024) }

    deinit { unsafe input.deallocate() }
}
