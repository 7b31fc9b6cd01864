import BerthMessages
import Messages

/// Keeps an inventory within what the control plane takes; one that is larger would end the stream,
/// again and again.
enum InventorySize {
    /// The containers of one inventory.
    static let containersMax = 2048
    /// The bytes of one inventory; the rest of 256 KiB is for the report around it.
    static let bytesMax = 240 * 1024
    /// Orphans that are named; the control plane looks at no more. Most of them it knows, so that fewer
    /// could hide the one that it does not.
    static let orphansMax = 4096
    /// Orphans for which containers go without times and messages; others have the bytes that are left.
    static let orphansSureMax = 32
    /// The bytes of tags and lengths beside a name's own, as an orphan and as a volume.
    private static let orphanBytesMax = 3
    private static let volumeBytesMax = 6

    /// The inventory, without times and messages where it is too long with them; nil when it is too
    /// long without them too. Of orphans it has as many as fit, the first ones, and of volumes those
    /// that are among them.
    static func fitted(_ whole: AgentV1.Inventory) -> AgentV1.Inventory? {
        guard whole.containers.count <= containersMax else { return nil }
        var inventory = naming(orphansSureMax, of: whole)
        guard var bytes = bytesOfFitting(&inventory) else { return nil }
        let volumes = Set(whole.volumes.map(\.name))
        var count = inventory.orphans.count
        for name in whole.orphans.prefix(orphansMax).dropFirst(count) {
            bytes += name.utf8.count + orphanBytesMax
            if volumes.contains(name) { bytes += name.utf8.count + volumeBytesMax }
            guard bytes <= bytesMax else { break }
            count += 1
        }
        let named = naming(count, of: whole)
        inventory.orphans = named.orphans
        inventory.volumes = named.volumes
        return inventory
    }

    /// An inventory with its first orphans only, and the volumes that are among them.
    private static func naming(_ count: Int, of whole: AgentV1.Inventory) -> AgentV1.Inventory {
        var inventory = whole
        inventory.orphans = Array(whole.orphans.prefix(count))
        let named = Set(inventory.orphans)
        inventory.volumes = whole.volumes.filter { named.contains($0.name) }
        return inventory
    }

    /// Leaves out times, then messages, until it fits.
    /// - Returns: Its bytes; nil when it does not.
    private static func bytesOfFitting(_ inventory: inout AgentV1.Inventory) -> Int? {
        if let bytes = bytes(of: inventory) { return bytes }
        for index in inventory.containers.indices { inventory.containers[index].startTime = nil }
        if let bytes = bytes(of: inventory) { return bytes }
        for index in inventory.containers.indices { inventory.containers[index].message = "" }
        return bytes(of: inventory)
    }

    /// Its bytes; nil when they are too many.
    private static func bytes(of inventory: AgentV1.Inventory) -> Int? {
        guard let bytes = try? Wire.encode(inventory), bytes.count <= bytesMax else { return nil }
        return bytes.count
    }
}
