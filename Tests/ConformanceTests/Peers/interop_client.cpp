// The interoperability cases by gRPC C++: a client without generated code, which puts the few
// messages together itself.
//
//     interop_client_cpp PORT [AUTHORITY_FILE]
//
// Tells each case by one line of JSON: {"case", "failure", "milliseconds"}.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace {

using Bytes = std::string;

// Protobuf, as far as these messages need it.

Bytes varint(uint64_t value) {
    Bytes bytes;
    for (; value > 127; value >>= 7) bytes += static_cast<char>(value | 128);
    return bytes + static_cast<char>(value);
}

Bytes field(int number, uint64_t value) { return varint(number << 3) + varint(value); }

Bytes field(int number, const Bytes &value) {
    return varint(number << 3 | 2) + varint(value.size()) + value;
}

Bytes payload(size_t size) { return field(3, field(2, Bytes(size, '\0'))); }

Bytes outputRequest(size_t responseSize, size_t requestSize) {
    return field(2, field(1, responseSize)) + payload(requestSize);
}

// The bytes of the payload in a response: its length, looked up by hand.
size_t payloadSize(const Bytes &response) {
    size_t at = 0;
    auto read = [&] {
        uint64_t value = 0;
        for (int shift = 0; at < response.size(); shift += 7) {
            auto byte = static_cast<uint8_t>(response[at++]);
            value |= uint64_t(byte & 127) << shift;
            if (byte < 128) return value;
        }
        throw std::runtime_error("a varint is cut off");
    };
    if (response.empty() || read() != (1 << 3 | 2)) return 0;
    auto end = read() + at;
    size_t size = 0;
    while (at < end) {
        auto key = read(), value = read();
        if (key == (2 << 3 | 2)) at += size = value;
    }
    return size;
}

grpc::ByteBuffer buffer(const Bytes &bytes) {
    grpc::Slice slice(bytes);
    return grpc::ByteBuffer(&slice, 1);
}

Bytes bytes(const grpc::ByteBuffer &buffer) {
    std::vector<grpc::Slice> slices;
    Bytes all;
    if (!buffer.Dump(&slices).ok()) throw std::runtime_error("no message");
    for (const auto &slice : slices) all.append(reinterpret_cast<const char *>(slice.begin()), slice.size());
    return all;
}

template <typename Value> void equal(const Value &got, const Value &wanted, const char *what) {
    if (got == wanted) return;
    std::ostringstream text;
    text << what << ": got " << got << ", wanted " << wanted;
    throw std::runtime_error(text.str());
}

// One call, step by step.
class Call {
public:
    Call(grpc::GenericStub &stub, const std::string &method,
         const std::function<void(grpc::ClientContext &)> &prepare = {}) {
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
        if (prepare) prepare(context);
        auto path = method[0] == '/' ? method : "/grpc.testing.TestService/" + method;
        stream = stub.PrepareCall(&context, path, &queue);
        stream->StartCall(this);
        wait();
    }

    ~Call() {
        queue.Shutdown();
        void *tag;
        bool ok;
        while (queue.Next(&tag, &ok)) {}
    }

    bool send(const Bytes &message, grpc::WriteOptions options = {}) {
        stream->Write(buffer(message), options, this);
        return wait();
    }

    void end() {
        stream->WritesDone(this);
        wait();
    }

    bool receive(Bytes &message) {
        grpc::ByteBuffer received;
        stream->Read(&received, this);
        if (!wait()) return false;
        message = bytes(received);
        return true;
    }

    grpc::Status finish() {
        grpc::Status status;
        stream->Finish(&status, this);
        wait();
        return status;
    }

    grpc::ClientContext context;

private:
    bool wait() {
        void *tag;
        bool ok = false;
        queue.Next(&tag, &ok);
        return ok;
    }

    grpc::CompletionQueue queue;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
};

void expectStatus(Call &call, grpc::StatusCode code, const std::string &message = "") {
    auto status = call.finish();
    equal(int(status.error_code()), int(code), status.error_message().c_str());
    if (!message.empty()) equal(status.error_message(), message, "the message");
}

Bytes unary(Call &call, const Bytes &request) {
    Bytes response;
    call.send(request);
    call.end();
    bool isThere = call.receive(response);
    expectStatus(call, grpc::StatusCode::OK);
    if (!isThere) throw std::runtime_error("no response");
    return response;
}

const size_t requestSizes[] = {27182, 8, 1828, 45904};
const size_t responseSizes[] = {31415, 9, 2653, 58979};
const Bytes largeRequest = field(2, 314159) + payload(271828);

void emptyUnary(grpc::GenericStub &stub) {
    Call call(stub, "EmptyCall");
    equal(unary(call, ""), Bytes(), "the response");
}

void largeUnary(grpc::GenericStub &stub) {
    Call call(stub, "UnaryCall");
    equal(payloadSize(unary(call, largeRequest)), size_t(314159), "the payload");
}

void clientStreaming(grpc::GenericStub &stub) {
    Call call(stub, "StreamingInputCall");
    for (auto size : requestSizes) call.send(field(1, field(2, Bytes(size, '\0'))));
    call.end();
    Bytes response;
    call.receive(response);
    expectStatus(call, grpc::StatusCode::OK);
    equal(response, field(1, 74922), "the sum");
}

void serverStreaming(grpc::GenericStub &stub) {
    Call call(stub, "StreamingOutputCall");
    Bytes request, response;
    for (auto size : responseSizes) request += field(2, field(1, size));
    call.send(request);
    call.end();
    for (auto size : responseSizes) {
        if (!call.receive(response)) throw std::runtime_error("a response is missing");
        equal(payloadSize(response), size, "a payload");
    }
    if (call.receive(response)) throw std::runtime_error("one response too many");
    expectStatus(call, grpc::StatusCode::OK);
}

void pingPong(grpc::GenericStub &stub) {
    Call call(stub, "FullDuplexCall");
    Bytes response;
    for (int index = 0; index < 4; index++) {
        call.send(outputRequest(responseSizes[index], requestSizes[index]));
        if (!call.receive(response)) throw std::runtime_error("a response is missing");
        equal(payloadSize(response), responseSizes[index], "a payload");
    }
    call.end();
    if (call.receive(response)) throw std::runtime_error("one response too many");
    expectStatus(call, grpc::StatusCode::OK);
}

void halfDuplex(grpc::GenericStub &stub) {
    Call call(stub, "HalfDuplexCall");
    Bytes response;
    for (auto size : responseSizes) call.send(outputRequest(size, 1));
    call.end();
    for (auto size : responseSizes) {
        if (!call.receive(response)) throw std::runtime_error("a response is missing");
        equal(payloadSize(response), size, "a payload");
    }
    if (call.receive(response)) throw std::runtime_error("one response too many");
    expectStatus(call, grpc::StatusCode::OK);
}

void emptyStream(grpc::GenericStub &stub) {
    Call call(stub, "FullDuplexCall");
    Bytes response;
    call.end();
    if (call.receive(response)) throw std::runtime_error("one response too many");
    expectStatus(call, grpc::StatusCode::OK);
}

void clientCompressedUnary(grpc::GenericStub &stub) {
    for (bool isCompressed : {true, false}) {
        Call call(stub, "UnaryCall", [&](auto &context) {
            if (isCompressed) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
        });
        auto request = largeRequest + field(8, field(1, isCompressed));
        equal(payloadSize(unary(call, request)), size_t(314159), "the payload");
    }
}

// One message compressed and one not, in one call; a first call proves that the server looks.
void clientCompressedStreaming(grpc::GenericStub &stub) {
    auto request = [](size_t size, bool isCompressed) {
        return field(1, field(2, Bytes(size, '\0'))) + field(2, field(1, isCompressed));
    };
    {
        Call probe(stub, "StreamingInputCall");
        probe.send(request(27182, true));
        probe.end();
        expectStatus(probe, grpc::StatusCode::INVALID_ARGUMENT);
    }
    Call call(stub, "StreamingInputCall",
              [](auto &context) { context.set_compression_algorithm(GRPC_COMPRESS_GZIP); });
    call.send(request(27182, true));
    call.send(request(45904, false), grpc::WriteOptions().set_no_compression());
    call.end();
    Bytes response;
    call.receive(response);
    expectStatus(call, grpc::StatusCode::OK);
    equal(response, field(1, 73086), "the sum");
}

void serverCompressedUnary(grpc::GenericStub &stub) {
    Call call(stub, "UnaryCall");
    auto request = largeRequest + field(6, field(1, 1));
    equal(payloadSize(unary(call, request)), size_t(314159), "the payload");
}

void serverCompressedStreaming(grpc::GenericStub &stub) {
    Call call(stub, "StreamingOutputCall");
    Bytes response;
    call.send(field(2, field(1, 31415) + field(3, field(1, 1))) + field(2, field(1, 92653)));
    call.end();
    for (auto size : {size_t(31415), size_t(92653)}) {
        if (!call.receive(response)) throw std::runtime_error("a response is missing");
        equal(payloadSize(response), size, "a payload");
    }
    if (call.receive(response)) throw std::runtime_error("one response too many");
    expectStatus(call, grpc::StatusCode::OK);
}

// gRPC C++ 1.51 sends a cacheable call by POST like any other.
void cacheableUnary(grpc::GenericStub &stub) {
    Call call(stub, "CacheableUnaryCall", [](auto &context) {
        context.AddMetadata("x-user-ip", "1.2.3.4");
    });
    if (payloadSize(unary(call, "")) == 0) throw std::runtime_error("the payload is empty");
    auto cache = call.context.GetServerInitialMetadata().find("cache-control");
    if (cache == call.context.GetServerInitialMetadata().end()) throw std::runtime_error("no cache-control");
    equal(Bytes(cache->second.data(), cache->second.size()), Bytes("max-age=60, public"), "it");
}

void customMetadata(grpc::GenericStub &stub) {
    Call call(stub, "UnaryCall", [](auto &context) {
        context.AddMetadata("x-grpc-test-echo-initial", "test_initial_metadata_value");
        context.AddMetadata("x-grpc-test-echo-trailing-bin", "\x0a\x0b\x0a\x0b\x0a\x0b");
    });
    unary(call, largeRequest);
    auto initial = call.context.GetServerInitialMetadata().find("x-grpc-test-echo-initial");
    if (initial == call.context.GetServerInitialMetadata().end()) throw std::runtime_error("no initial");
    equal(Bytes(initial->second.data(), initial->second.size()), Bytes("test_initial_metadata_value"), "it");
    auto trailing = call.context.GetServerTrailingMetadata().find("x-grpc-test-echo-trailing-bin");
    if (trailing == call.context.GetServerTrailingMetadata().end()) throw std::runtime_error("no trailing");
    equal(Bytes(trailing->second.data(), trailing->second.size()), Bytes("\x0a\x0b\x0a\x0b\x0a\x0b"), "it");
}

void statusCodeAndMessage(grpc::GenericStub &stub, const Bytes &message) {
    Call call(stub, "UnaryCall");
    call.send(field(7, field(1, 2) + field(2, message)));
    call.end();
    expectStatus(call, grpc::StatusCode::UNKNOWN, message);
}

void unimplemented(grpc::GenericStub &stub, const Bytes &method) {
    Call call(stub, method);
    call.send("");
    call.end();
    expectStatus(call, grpc::StatusCode::UNIMPLEMENTED);
}

const int soakCalls = 200, soakChannels = 25;

void rpcSoak(grpc::GenericStub &stub) {
    for (int index = 0; index < soakCalls; index++) largeUnary(stub);
}

void cancelAfterBegin(grpc::GenericStub &stub) {
    Call call(stub, "StreamingInputCall");
    call.context.TryCancel();
    expectStatus(call, grpc::StatusCode::CANCELLED);
}

void cancelAfterFirstResponse(grpc::GenericStub &stub) {
    Call call(stub, "FullDuplexCall");
    Bytes response;
    call.send(outputRequest(31415, 27182));
    if (!call.receive(response)) throw std::runtime_error("a response is missing");
    call.context.TryCancel();
    expectStatus(call, grpc::StatusCode::CANCELLED);
}

void timeoutOnSleepingServer(grpc::GenericStub &stub) {
    Call call(stub, "FullDuplexCall", [](auto &context) {
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(1));
    });
    call.send(payload(27182));
    expectStatus(call, grpc::StatusCode::DEADLINE_EXCEEDED);
}

Bytes contents(const char *path) {
    std::ifstream file(path);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

int main(int count, char **arguments) {
    if (count < 2) return 2;
    auto credentials = grpc::InsecureChannelCredentials();
    if (count > 2) {
        grpc::SslCredentialsOptions options;
        options.pem_root_certs = contents(arguments[2]);
        credentials = grpc::SslCredentials(options);
    }
    auto connect = [&] {
        // Channels with equal arguments would share a connection.
        grpc::ChannelArguments options;
        options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        return grpc::CreateCustomChannel(Bytes("localhost:") + arguments[1], credentials, options);
    };
    grpc::GenericStub stub(connect());
    const std::pair<const char *, std::function<void(grpc::GenericStub &)>> cases[] = {
        {"empty_unary", emptyUnary},
        {"large_unary", largeUnary},
        {"client_streaming", clientStreaming},
        {"server_streaming", serverStreaming},
        {"ping_pong", pingPong},
        {"half_duplex", halfDuplex},
        {"empty_stream", emptyStream},
        {"client_compressed_unary", clientCompressedUnary},
        {"client_compressed_streaming", clientCompressedStreaming},
        {"server_compressed_unary", serverCompressedUnary},
        {"server_compressed_streaming", serverCompressedStreaming},
        {"cacheable_unary", cacheableUnary},
        {"custom_metadata", customMetadata},
        {"status_code_and_message", [](auto &s) { statusCodeAndMessage(s, "test status message"); }},
        {"special_status_message",
         [](auto &s) {
             statusCodeAndMessage(s, "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001F608\t\n");
         }},
        {"unimplemented_method", [](auto &s) { unimplemented(s, "UnimplementedCall"); }},
        {"unimplemented_service",
         [](auto &s) { unimplemented(s, "/grpc.testing.UnimplementedService/UnimplementedCall"); }},
        {"cancel_after_begin", cancelAfterBegin},
        {"cancel_after_first_response", cancelAfterFirstResponse},
        {"timeout_on_sleeping_server", timeoutOnSleepingServer},
        {"rpc_soak", rpcSoak},
        {"channel_soak",
         [&](auto &) {
             for (int index = 0; index < soakChannels; index++) {
                 grpc::GenericStub each(connect());
                 largeUnary(each);
             }
         }},
    };
    for (const auto &[name, run] : cases) {
        auto begin = std::chrono::steady_clock::now();
        Bytes failure;
        try {
            run(stub);
        } catch (const std::exception &error) {
            // Quotes and controls would break the line.
            for (auto character : Bytes(error.what())) failure += character < ' ' || character == '"' || character == '\\' ? '.' : character;
            if (failure.empty()) failure = "failed";
        }
        auto took = std::chrono::steady_clock::now() - begin;
        std::cout << "{\"case\": \"" << name << "\", \"failure\": \"" << failure << "\", \"milliseconds\": "
                  << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << "}" << std::endl;
    }
}
