extension String {
    /// As many whole characters from the front as `count` bytes of UTF-8 hold.
    func prefix(utf8Bytes count: Int) -> String {
        guard utf8.count > count else { return self }
        var kept = ""
        var bytes = 0
        for character in self {
            bytes += character.utf8.count
            guard bytes <= count else { break }
            kept.append(character)
        }
        return kept
    }
}
