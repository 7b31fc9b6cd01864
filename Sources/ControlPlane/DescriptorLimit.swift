import Glibc

/// How many descriptors this process may have open at once; each connection is one.
enum DescriptorLimit {
    /// Raises the soft limit, 1,024 by custom for the sake of programs that `select`, to the hard one
    /// (getrlimit(2)). A process may always do that; should it fail all the same, the limit stays.
    static func raise() {
        let resource = Int32(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        // Safe: a live local, during the calls only.
        guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(resource, &limit)
    }
}
