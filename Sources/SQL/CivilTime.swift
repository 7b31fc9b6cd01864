/// A time of the proleptic Gregorian calendar in UTC, for PostgreSQL's text format.
struct CivilTime: CustomStringConvertible {
    let description: String

    init(microsecondsSince1970 total: Int64) {
        let (seconds, microseconds) = CivilTime.floorDivide(total, 1_000_000)
        let (days, secondOfDay) = CivilTime.floorDivide(seconds, 86_400)
        // Days are counted from 1 March of year 0 in eras of 400 years, so that the leap day is the
        // last of its year.
        let (era, dayOfEra) = CivilTime.floorDivide(days + 719_468, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = [
            CivilTime.padded(year > 0 ? year : 1 - year, 4), CivilTime.padded(month, 2),
            CivilTime.padded(day, 2),
        ].joined(separator: "-")
        let time = [secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60]
            .map { CivilTime.padded($0, 2) }.joined(separator: ":")
        let era1 = year > 0 ? "" : " BC"
        description = "\(date) \(time).\(CivilTime.padded(microseconds, 6))+00\(era1)"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> (Int64, Int64) {
        let remainder = ((value % by) + by) % by
        return ((value - remainder) / by, remainder)
    }
}
