import CLinux

/// The machine's processors.
public enum Processors {
    /// How many this process may run on, by its affinity mask (sched_getaffinity(2)); at least one.
    public static var allowedCount: Int { max(1, Int(berth_processors_allowed())) }
}
