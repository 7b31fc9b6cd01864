import Glibc

/// Makes the ids by which a call is found in the log: 16 hexadecimal digits that differ between
/// processes and loops, then the call's number.
struct RequestIDSequence {
    private let prefix: UInt64
    private var last: UInt64 = 0

    init() {
        var generator = SystemRandomNumberGenerator()
        prefix = generator.next()
    }

    mutating func next() -> RequestID {
        last += 1
        return RequestID(prefix: prefix, number: last)
    }
}

/// One call's id, kept as two numbers until someone wants to read it.
struct RequestID {
    let prefix: UInt64
    let number: UInt64

    var text: String {
        let head = String(prefix, radix: 16)
        let tail = String(number, radix: 16)
        return String(repeating: "0", count: 16 - head.count) + head + "-" + tail
    }
}
