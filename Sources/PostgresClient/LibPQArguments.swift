/// The arguments of one statement as libpq takes them: three arrays, kept for their capacity.
@safe struct LibPQArguments {
    // Safe: filled and emptied within one call, while what they point into is alive.
    private var values = unsafe [UnsafePointer<CChar>?]()
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    /// Lends `body` the arrays for the arguments that lie in `bytes`.
    mutating func lend(
        _ entries: ArraySlice<ParameterBuffer.Entry>, in bytes: UnsafeRawBufferPointer,
        _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> Bool
    ) -> Bool {
        for entry in entries {
            let start = unsafe bytes.baseAddress.map { unsafe $0 + entry.start }
            unsafe values.append(entry.isNull ? nil : start?.assumingMemoryBound(to: CChar.self))
            lengths.append(Int32(clamping: entry.length))
            formats.append(entry.isBinary ? 1 : 0)
        }
        defer {
            unsafe values.removeAll(keepingCapacity: true)
            lengths.removeAll(keepingCapacity: true)
            formats.removeAll(keepingCapacity: true)
        }
        return unsafe body(values, lengths, formats)
    }
}
