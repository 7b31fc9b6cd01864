import Domain

/// Reads moments as Docker writes them (RFC 3339 section 5.6).
enum RFC3339 {
    /// The time, to the microsecond; nil for what is none, or not in UTC.
    static func time(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]),
            let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var microseconds: Int64 = 0
        if bytes[19] == UInt8(ascii: ".") {
            let digits = bytes[20..<bytes.count - 1].prefix(6)
            guard let fraction = number(digits) else { return nil }
            microseconds = fraction
            for _ in digits.count..<6 { microseconds *= 10 }
        }
        let days = daysSince1970(year: year, month: month, day: day)
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
        return Timestamp(microsecondsSince1970: seconds * 1_000_000 + microseconds)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return digits.isEmpty ? nil : value
    }

    /// The Gregorian calendar, counted in years that begin in March, so that the leap day is last.
    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let marchMonth = (month + 9) % 12
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        return marchYear * 365 + leapDays + dayOfYear - 719_468
    }
}
