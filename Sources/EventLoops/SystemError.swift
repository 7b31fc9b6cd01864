import Glibc

/// A failed call into the operating system.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The C function that failed, as its manual page names it.
    public let function: String
    /// The value of `errno` right after the call.
    public let code: Int32

    /// Describes a failure of `function` with the given `errno` value.
    public init(function: String, code: Int32) {
        self.function = function
        self.code = code
    }

    /// Describes a failure of `function` with the current `errno`.
    public static func last(_ function: String) -> SystemError {
        SystemError(function: function, code: errno)
    }

    /// The function and the system's text for the code, such as `bind: Address already in use`.
    public var description: String {
        var text = [UInt8](repeating: 0, count: 256)
        // Safe: the POSIX strerror_r writes at most `count` bytes, its NUL included.
        unsafe text.withUnsafeMutableBytes { buffer in
            guard let start = unsafe buffer.bindMemory(to: CChar.self).baseAddress else { return }
            _ = unsafe strerror_r(code, start, buffer.count)
        }
        let message = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        return "\(function): \(message)"
    }
}
