import Messages
import StandardMessages

extension RPCStatus {
    /// The status as a caller gets it: with its call's id as `google.rpc.RequestInfo` behind the
    /// details that it has, unless both together are too large for clients.
    func naming(_ requestID: String, limits: ServerLimits) -> RPCStatus {
        var added = GoogleRPC.Status()
        if details.isEmpty {
            added.code = Int32(code.rawValue)
            // As it will stand in grpc-message: clients compare.
            let text = PercentEncoding.encode(message, bytesMax: limits.statusMessageBytesMax)
            added.message = PercentEncoding.decode(text[...])
        }
        var info = GoogleRPC.RequestInfo()
        info.requestID = requestID
        guard let packed = try? GoogleProtobuf.AnyMessage(packing: info) else { return self }
        added.details = [packed]
        // A message behind another of its type adds to the other's lists (protobuf's encoding,
        // "Last One Wins"), so nothing has to be unpacked.
        guard let bytes = try? Wire.encode(added),
            details.count + bytes.count <= limits.statusDetailsBytesMax
        else { return self }
        return RPCStatus(code, message, details: details + bytes)
    }
}
