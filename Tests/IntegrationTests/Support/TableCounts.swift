extension MigratedDatabase {
    /// A digest of all that each table holds, so that "nothing was written" means nothing anywhere,
    /// not even into a row that was there.
    func contentsByTable() throws -> [String: String] {
        let digests = try run(
            tableNames().map {
                """
                SELECT '\($0)', count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n'
                    ORDER BY t::text), '')) FROM \($0) t
                """
            }.joined(separator: " UNION ALL "))
        var result: [String: String] = [:]
        for line in digests.split(separator: "\n") {
            let parts = line.split(separator: "|")
            result[String(parts[0])] = String(parts[1])
        }
        return result
    }

    private func tableNames() throws -> [Substring] {
        try run("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .split(separator: "\n")
    }

    /// The rows of every table, so that "nothing was written" means nothing anywhere.
    func rowsByTable() throws -> [String: Int] {
        let names = try tableNames()
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
