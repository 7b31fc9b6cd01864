import TestSupport
import Testing

/// Volumes that are initialised ahead, as the programs use them.
@Suite struct WarmVolumeTests {
    @Test("a created database gets a volume that was initialised ahead, and another is made for it")
    func create() throws {
        let harbour = try Harbour()
        try eventually(within: .seconds(180), "two spare volumes") {
            try Self.spares("volume", harbour).count == 2
                && Self.spares("container", harbour).isEmpty
        }
        let before = try Self.spares("volume", harbour)
        let database = try harbour.createRunning()
        let events = try harbour.deployment(database.deploymentID)["events"].elements
        #expect(
            events.contains {
                $0["message"].string == "Taking over data that was initialised ahead"
            }, "\(events.map(\.["message"].string))")
        try eventually(
            within: .seconds(180), "a new spare volume in place of the one that was taken"
        ) {
            let now = try Self.spares("volume", harbour)
            return now.count == 2 && now != before && !now.isDisjoint(with: before)
        }
        #expect(try harbour.query("SELECT current_user <> 'berth_spare'", database) == "t")
    }

    /// Without the two volumes by which the agent tries, at first, whether folders can be exchanged.
    private static func spares(_ kind: String, _ harbour: Harbour) throws -> Set<String> {
        let found = try Docker.lines(
            [kind, "ls", "--quiet"] + (kind == "container" ? ["--all"] : []) + [
                "--filter", "label=berth.role=spare",
                "--filter", "label=berth.server=\(harbour.installation.serverID)",
            ])
        return Set(found.filter { !$0.contains("-probe-") })
    }
}
