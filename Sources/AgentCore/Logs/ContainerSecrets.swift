import Domain

extension SecretRedactor {
    /// Knows the secrets of a container, by its label; those of several lines also line by line.
    init(of container: EngineContainerDetails) {
        let names = container.labels[Label.secretNames]?.split(separator: ",") ?? []
        self.init(linesToo: names.compactMap { container.environment[String($0)] })
    }

    /// Knows these secrets, and of those of several lines each line.
    init(linesToo secrets: [String]) {
        let lines = secrets.flatMap { $0.split(whereSeparator: \.isNewline).map(String.init) }
        self.init((secrets + lines).map { SecretText($0) })
    }
}
