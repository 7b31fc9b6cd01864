import BerthMessages
import Messages

/// Keeps an inventory within what the control plane takes; one that is larger would end the stream,
/// again and again.
enum InventorySize {
    /// The containers of one inventory.
    static let containersMax = 2048
    /// The bytes of one inventory; the rest of 256 KiB is for the report around it.
    static let bytesMax = 240 * 1024
    /// Orphans that are named; the control plane looks at no more.
    static let orphansMax = 32

    /// The inventory, without times and messages where it is too long with them; nil when it is too
    /// long without them too.
    static func fitted(_ inventory: AgentV1.Inventory) -> AgentV1.Inventory? {
        var inventory = inventory
        inventory.orphans = Array(inventory.orphans.prefix(orphansMax))
        guard inventory.containers.count <= containersMax else { return nil }
        if fits(inventory) { return inventory }
        for index in inventory.containers.indices { inventory.containers[index].startTime = nil }
        if fits(inventory) { return inventory }
        for index in inventory.containers.indices { inventory.containers[index].message = "" }
        return fits(inventory) ? inventory : nil
    }

    private static func fits(_ inventory: AgentV1.Inventory) -> Bool {
        guard let bytes = try? Wire.encode(inventory) else { return false }
        return bytes.count <= bytesMax
    }
}
