import EventLoops

extension DockerRequest {
    static func writeFile(_ archive: [UInt8], to folder: String, in id: String) -> DockerRequest {
        DockerRequest(
            "write a file", .put, "/containers/\(encoded(id))/archive",
            query: [QueryItem("path", folder), QueryItem("noOverwriteDirNonDir", "true")],
            body: .archive(archive))
    }

    static func readFile(_ path: String, in id: String) -> DockerRequest {
        container("read a file", .get, id, "/archive", query: [QueryItem("path", path)])
    }
}

extension DockerClient {
    /// Writes one small file into a container, which need not run; volumes are written through.
    ///
    /// - Parameter folder: The folder in the container, which must exist.
    /// - Throws: ``DockerError``: not found for the container or the folder.
    public func writeFile(
        _ file: ContainerFile, to folder: String, in id: String,
        deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) {
        guard let archive = file.archive else {
            throw DockerError(
                .notSent, operation: "write a file", message: "the name or a number is too long")
        }
        try await run(.writeFile(archive, to: folder, in: id), deadline: deadline)
    }

    /// Reads one file out of a container, which need not run; volumes are read through.
    ///
    /// - Returns: The file; nil when there is no such file, or no such container.
    /// - Throws: ``DockerError``: `.tooLarge` past ``DockerLimits/answerBytesMax``, `.malformed` for
    ///   what is no plain file.
    public func readFile(
        _ path: String, in id: String, deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> ContainerFile? {
        let request = DockerRequest.readFile(path, in: id)
        let answer: Answer
        do throws(DockerError) {
            answer = try await send(request, until: Instant.now().advanced(by: deadline))
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
        do throws(MalformedAnswer) {
            return try ContainerFile(archive: answer.bytes)
        } catch {
            throw DockerError(
                .malformed, operation: request.operation, message: "the answer's \(error.field)")
        }
    }
}
