/// Carries a value of one loop through a `@Sendable` closure that runs on that same loop.
///
/// Swift types a cancellation handler as `@Sendable` because it may run on any thread; a task that
/// was begun with its loop's executor is only ever cancelled by its loop. The box trusts that and
/// checks it: reaching the value on another thread is a bug of ours and traps.
public struct LoopBound<Value>: @unchecked Sendable {
    // Why @unchecked is right: `value` is private and every access checks the thread first.
    private let value: Value
    private let executor: LoopExecutor

    /// Boxes `value`, which belongs to `loop`.
    public init(_ value: Value, loop: EventLoop) {
        self.value = value
        executor = loop.executor
    }

    /// Gives `body` the value. Traps off the loop.
    public func use<Result>(_ body: (Value) throws -> Result) rethrows -> Result {
        executor.checkIsolated()
        return try body(value)
    }
}
