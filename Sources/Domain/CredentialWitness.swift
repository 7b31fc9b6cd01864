/// Hears of credentials that turned out to be someone's, whatever that one may do.
public protocol CredentialWitness {
    /// A credential was found among the live ones.
    func verified(_ credential: Credential)
}
