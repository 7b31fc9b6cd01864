/// Which way a message goes.
enum Direction: Sendable, CaseIterable {
    /// From berthd to PostgreSQL.
    case frontend
    /// From PostgreSQL to berthd.
    case backend
}

/// A place in the exchange of messages: the `index`th of its direction since the trap was set.
struct MessagePoint: Sendable, Hashable {
    /// Where exactly, as seen from the message.
    enum Offset: Sendable, CaseIterable {
        /// Nothing of it was passed on.
        case before
        /// Half of its bytes were.
        case middle
        /// All of it was, and nothing after it.
        case after
    }

    let direction: Direction
    let index: Int
    let offset: Offset
}

/// Waits for a point on one connection, the first that passes a message and is of the right age, and then
/// acts once.
final class Trap {
    /// Nil: only counts.
    let point: MessagePoint?
    /// Whether connections that are being made do not count: the pool may make one by itself.
    private let isForServed: Bool
    private let action: (ProxiedConnection) -> Void
    private weak var connection: ProxiedConnection?
    /// The types of the messages that passed, in the order of each direction.
    private(set) var seen: [Direction: [Character]] = [.frontend: [], .backend: []]
    private(set) var isSprung = false

    init(
        at point: MessagePoint?, ofServed isForServed: Bool = false,
        _ action: @escaping (ProxiedConnection) -> Void = { _ in }
    ) {
        self.point = point
        self.isForServed = isForServed
        self.action = action
    }

    /// Counts a message; says where in it the trap springs, if it does.
    func note(
        _ message: ProtocolMessage, _ direction: Direction, on connection: ProxiedConnection
    ) -> MessagePoint.Offset? {
        guard !isSprung, message.type != ProtocolMessage.cancelRequest else { return nil }
        if self.connection == nil, connection.hasServed || !isForServed {
            self.connection = connection
        }
        guard self.connection === connection else { return nil }
        seen[direction, default: []].append(message.type)
        guard let point, point.direction == direction,
            seen[direction, default: []].count == point.index + 1
        else { return nil }
        isSprung = true
        return point.offset
    }

    func spring(on connection: ProxiedConnection) { action(connection) }
}
