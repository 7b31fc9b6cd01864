extension MigratedDatabase {
    /// The rows of every table, so that "nothing was written" means nothing anywhere.
    func rowsByTable() throws -> [String: Int] {
        let names = try run(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).split(separator: "\n")
        let counts = try run(
            names.map { "SELECT '\($0)', count(*) FROM \($0)" }.joined(separator: " UNION ALL "))
        var result: [String: Int] = [:]
        for line in counts.split(separator: "\n") {
            let parts = line.split(separator: "|")
            result[String(parts[0])] = Int(parts[1])
        }
        return result
    }
}
