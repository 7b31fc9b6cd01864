/// What Podman means by an answer's `cause`, where Docker would have said it by the HTTP status: Podman
/// 4.3 answers 500 to much of it, also to whoever looks at a container while it goes.
enum PodmanCause {
    /// The status that Docker's API has for it; the engine's own where the cause says nothing else.
    static func status(_ status: Int, cause: String?) -> Int {
        guard status == 500, let cause else { return status }
        return meanings[cause] ?? status
    }

    // The texts of its errors (libpod/define/errors.go, containers/storage/errors.go).
    private static let meanings = [
        "no such container": 404, "no such volume": 404, "network not found": 404,
        "container has already been removed": 404,
        "network is being used": 403, "network is already connected": 403,
        "that name is already in use": 409, "container state improper": 409,
        "network already exists": 409, "volume already exists": 409, "volume is being used": 409,
    ]
}
