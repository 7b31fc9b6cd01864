import Domain

/// A job that a task works on, and how it shall end.
final class JobControl {
    /// What ends a job from outside.
    enum Ending {
        /// Nothing: it runs to its end.
        case own
        /// Its caller wants it no more: it is undone and reported.
        case cancelled
        /// Another holds it now, or the agent stops: it is dropped without another effect or word.
        case dropped
    }

    let job: AgentJob
    private(set) var ending = Ending.own
    /// The task that works on it.
    var task: LoopTask<Void>?

    init(_ job: AgentJob) { self.job = job }

    /// Ends the job early; what was said first stands, but that a dropped job is never undone.
    func end(as ending: Ending) {
        guard self.ending == .own || ending == .dropped else { return }
        self.ending = ending
        task?.cancel()
    }
}
