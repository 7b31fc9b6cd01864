public import EventLoops

/// Workers for every test of this process: a pool's threads live as long as the process.
public func sharedWorkers() throws -> WorkerPool { try shared.get() }
private let shared = Result { try WorkerPool(threads: 4) }
