import EventLoops
import HTTP2
import Messages

// What callers wait for. Cancelling the task that waits cancels the call.
extension ClientCall {
    /// Waits until the call is on a connection, or over.
    func waitUntilSent() async throws {
        while true {
            switch phase {
            case .open, .ended(nil): return
            case .ended(let status?): throw status
            case .waiting, .pausing: try await wait(canWrite)
            }
        }
    }

    /// Sends a request; waits until there is room for another.
    func write<Request: Message>(_ request: Request) async throws {
        let bytes = try framed(request)
        try throwIfOver()
        try send(bytes)
        while !hasRoomToWrite {
            awaitRoom()
            try await wait(canWrite)
        }
        // That it ended well meanwhile, the reader learns.
        if case .ended(let status?) = phase { throw status }
    }

    private func throwIfOver() throws(RPCStatus) {
        guard case .ended(let status) = phase else { return }
        throw status ?? RPCStatus(.failedPrecondition, "the server has ended the call")
    }

    /// Sends the only request.
    func writeOnly<Request: Message>(_ request: Request) throws(RPCStatus) {
        try send(framed(request))
        endRequests()
    }

    private func framed<Request: Message>(_ request: Request) throws(RPCStatus) -> [UInt8] {
        do {
            var bytes = try Wire.encode(
                request, after: MessageFraming.prefixBytes, limits: channel.limits.message)
            if options.compressesRequests {
                bytes = try channel.gzip.compress(
                    bytes.span.extracting(MessageFraming.prefixBytes..<bytes.count),
                    after: MessageFraming.prefixBytes)
            }
            MessageFraming.setPrefix(of: &bytes, isCompressed: options.compressesRequests)
            return bytes
        } catch {
            throw ClientCall.status(of: error, what: "the request")
        }
    }

    /// The next response, or nil when the call ended with OK.
    func read<Response: Message>(_ type: Response.Type) async throws -> Response? {
        while true {
            do {
                if let message = try takeMessage(type) { return message }
            } catch {
                let status = ClientCall.status(of: error, what: "a response")
                fail(status)
                throw status
            }
            if case .ended(let status) = phase {
                if let status { throw status }
                guard leftover.isEmpty else {
                    throw RPCStatus(.internal, "the response ends within a message")
                }
                return nil
            }
            try await wait(canRead)
        }
    }

    /// The response of a method that has exactly one. Another number is UNIMPLEMENTED: the server's
    /// method is of another kind than ours (gRPC, "Status codes", "Response cardinality violation").
    func readOnly<Response: Message>(_ type: Response.Type) async throws -> Response {
        guard let response = try await read(type) else {
            throw RPCStatus(.unimplemented, "the server ended the call without a response")
        }
        guard try await read(type) == nil else {
            let status = RPCStatus(.unimplemented, "the server sent more than one response")
            fail(status)
            throw status
        }
        return response
    }

    /// Waits until the response has begun or the call has ended.
    func waitForHead() async throws -> Metadata {
        while true {
            if let initialMetadata { return initialMetadata }
            if case .ended(let status) = phase {
                if let status { throw status }
                return Metadata()
            }
            try await wait(canRead)
        }
    }

    private func wait(_ signal: LoopSignal) async throws {
        do {
            try await signal.wait()
        } catch {
            cancel()
            throw error
        }
    }

    /// Takes the message at the front, if all of it is there; else makes room for its rest.
    private func takeMessage<Response: Message>(_ type: Response.Type) throws -> Response? {
        let bytesMax = channel.limits.message.messageBytesMax
        switch phase {
        case .waiting, .pausing: return nil
        case .open(let attempt):
            let stream = attempt.stream
            switch try MessageFraming.front(of: stream.received, bytesMax: bytesMax) {
            case .nothing: return nil
            case .partial:
                try makeRoom(on: stream)
                return nil
            case .message(let isCompressed, let count):
                let message = try decoding.decode(
                    type, stream.received, isCompressed: isCompressed, count: count)
                stream.take(MessageFraming.prefixBytes + count)
                return message
            }
        case .ended:
            guard
                case .message(let isCompressed, let count) = try MessageFraming.front(
                    of: leftover, bytesMax: bytesMax)
            else { return nil }
            let message = try decoding.decode(
                type, leftover, isCompressed: isCompressed, count: count)
            leftover.removeFirst(MessageFraming.prefixBytes + count)
            return message
        }
    }

    private var decoding: MessageDecoding {
        MessageDecoding(
            gzip: channel.gzip, limits: channel.limits.message,
            acceptsCompressed: acceptsCompressed)
    }

    private func makeRoom(on stream: HTTP2Stream) throws(RPCStatus) {
        let bytesMax = channel.limits.receivedBytesPerConnectionMax
        guard stream.connectionReceivedBytes <= bytesMax else {
            throw RPCStatus(
                .resourceExhausted,
                "the connection holds receivedBytesPerConnectionMax (\(bytesMax)) of responses")
        }
        stream.consume(stream.received.count)
    }

    /// The status for a message that could not be encoded or decoded.
    private static func status(of error: any Error, what: String) -> RPCStatus {
        switch error {
        case let status as RPCStatus: status
        case MessageError.limitExceeded(let limit):
            RPCStatus(.resourceExhausted, "\(what) exceeds the limit \(limit)")
        default: RPCStatus(.internal, "\(what) is no valid message: \(error)")
        }
    }
}
