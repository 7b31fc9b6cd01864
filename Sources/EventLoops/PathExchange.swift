import CLinux

/// Exchanges two files or folders by one step of the file system (`renameat2`).
///
/// Blocks while the file system works: call it on a ``WorkerPool``.
/// - Throws: ``SystemError``, and nothing has changed: as when one is missing, or they are on different
///   file systems.
public func exchangePaths(_ one: String, _ other: String) throws(SystemError) {
    // Safe: both paths are NUL-terminated copies that live for the call.
    guard unsafe berth_exchange_paths(one, other) == 0 else { throw .last("renameat2 \(one)") }
}
