import Domain

/// The tokens that lately turned out to be someone's, by their hashes. Bounded: when a generation is
/// full it becomes the earlier one, and the one before that is forgotten.
struct KnownTokens {
    /// The tokens that are remembered at least; twice as many at most.
    let generationMax: Int
    private var recent: Set<Credential> = []
    private var earlier: Set<Credential> = []

    init(generationMax: Int) { self.generationMax = generationMax }

    func contains(_ credential: Credential) -> Bool {
        recent.contains(credential) || earlier.contains(credential)
    }

    /// Remembers a token from now on.
    /// - Returns: Whether that is news for this generation.
    mutating func insert(_ credential: Credential) -> Bool {
        guard recent.insert(credential).inserted else { return false }
        if recent.count > generationMax {
            earlier = recent
            recent = [credential]
        }
        return true
    }
}
