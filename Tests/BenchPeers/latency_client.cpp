// Calls grpc.health.v1.Health/Check at a steady rate for a time, on a number of connections in turn.
//
//   latency_client PORT CONNECTIONS RATE SECONDS
//
// The load is open: a call begins when the clock says so, however long those before it take, and is
// timed from when it should have begun, so that a server's pause counts for every call that it kept
// waiting. Prints one line: calls a second, then the median, the 99th percentile and the worst time in
// microseconds. Ends with status 1 at the first call that is not answered by SERVING and grpc-status
// 0, and when it could not keep to the rate.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vector>

using Clock = std::chrono::steady_clock;

namespace {

// Calls of one connection that may wait for their answers: past that the server is overrun.
constexpr size_t running_max = 20000;
// The share of the rate that must be reached.
constexpr double rate_share_min = 0.98;
constexpr double warmup_seconds = 0.5;
// How long the client sleeps between two looks at the clock and at its sockets. One that polled without
// pause would take a core for itself and push whatever else runs onto the server's: two programs that only
// read the clock then lose 1 % of a machine's time to others, in gaps of up to 9 ms.
constexpr timespec nap{0, 50000};

[[noreturn]] void fail(const std::string &reason) {
    std::fprintf(stderr, "latency_client: %s\n", reason.c_str());
    std::exit(1);
}

// The value must live until nghttp2 has copied it.
nghttp2_nv header(std::string_view name, std::string_view value) {
    return {reinterpret_cast<uint8_t *>(const_cast<char *>(name.data())),
            reinterpret_cast<uint8_t *>(const_cast<char *>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
}

struct Call {
    Clock::time_point due;
    std::string received, status;
};

class Connection {
  public:
    Connection(uint16_t port, std::vector<uint32_t> &microseconds)
        : authority_("127.0.0.1:" + std::to_string(port)), microseconds_(microseconds) {
        connect(port);
        nghttp2_session_callbacks *callbacks;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_session_client_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
        nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 30);
        send();
    }

    ~Connection() {
        nghttp2_session_del(session_);
        close(socket_);
    }

    int socket() const { return socket_; }
    size_t running() const { return running_; }

    // Queues a call; send() sends it.
    void begin(Clock::time_point due) {
        nghttp2_nv headers[] = {
            header(":method", "POST"),
            header(":scheme", "http"),
            header(":path", "/grpc.health.v1.Health/Check"),
            header(":authority", authority_),
            header("content-type", "application/grpc"),
            header("te", "trailers"),
        };
        auto call = new Call{};
        call->due = due;
        nghttp2_data_provider body{{}, read_body};
        if (nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &body, call) <
            0) {
            fail("no more calls on this connection");
        }
        running_++;
    }

    void send() {
        const uint8_t *bytes;
        ssize_t count;
        while ((count = nghttp2_session_mem_send(session_, &bytes)) > 0) {
            output_.append(reinterpret_cast<const char *>(bytes), count);
        }
        if (output_.empty()) return;
        count = ::send(socket_, output_.data(), output_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno != EAGAIN) fail("the server closed the connection");
        if (count > 0) output_.erase(0, count);
    }

    // Takes what has arrived, if anything has.
    void read() {
        uint8_t bytes[65536];
        ssize_t count = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) fail("the server closed the connection");
        if (nghttp2_session_mem_recv(session_, bytes, count) != count) fail("not HTTP/2");
    }

  private:
    int socket_;
    nghttp2_session *session_;
    const std::string authority_;
    std::vector<uint32_t> &microseconds_;
    std::string output_;
    size_t running_ = 0;

    void connect(uint16_t port) {
        socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
            fail(std::string("connect: ") + std::strerror(errno));
        }
        int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    static Call *call(nghttp2_session *session, int32_t stream) {
        return static_cast<Call *>(nghttp2_session_get_stream_user_data(session, stream));
    }

    static ssize_t read_body(nghttp2_session *, int32_t, uint8_t *buffer, size_t, uint32_t *flags,
                             nghttp2_data_source *, void *) {
        // An empty message in its frame; a library's buffer always has room for that.
        std::memset(buffer, 0, 5);
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return 5;
    }

    static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_size, const uint8_t *value, size_t value_size, uint8_t,
                         void *) {
        std::string_view key(reinterpret_cast<const char *>(name), name_size);
        if (key == "grpc-status") {
            call(session, frame->hd.stream_id)
                ->status.assign(reinterpret_cast<const char *>(value), value_size);
        }
        return 0;
    }

    static int on_data(nghttp2_session *session, uint8_t, int32_t stream, const uint8_t *bytes,
                       size_t size, void *) {
        call(session, stream)->received.append(reinterpret_cast<const char *>(bytes), size);
        return 0;
    }

    static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
        auto self = static_cast<Connection *>(user);
        std::unique_ptr<Call> ended(call(session, stream));
        if (error != 0 || ended->status != "0" ||
            ended->received != std::string("\0\0\0\0\2\010\001", 7)) {
            fail("a call failed: grpc-status " + ended->status);
        }
        auto time =
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - ended->due);
        self->microseconds_.push_back(time.count());
        self->running_--;
        return 0;
    }
};

using Connections = std::vector<std::unique_ptr<Connection>>;

void exchange(Connections &connections) {
    for (auto &connection : connections) {
        connection->send();
        connection->read();
    }
}

// Begins calls at the rate for so many seconds and waits for the last; the calls a second.
double run(Connections &connections, double rate, double seconds) {
    const auto begin = Clock::now();
    const auto count = static_cast<uint64_t>(rate * seconds);
    uint64_t begun = 0;
    while (begun < count) {
        auto elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
        auto due = std::min(count, static_cast<uint64_t>(elapsed * rate) + 1);
        for (; begun < due; begun++) {
            auto &connection = connections[begun % connections.size()];
            if (connection->running() >= running_max) fail("the server does not keep up");
            connection->begin(begin + std::chrono::duration_cast<Clock::duration>(
                                          std::chrono::duration<double>(begun / rate)));
        }
        exchange(connections);
        nanosleep(&nap, nullptr);
    }
    const auto took = std::chrono::duration<double>(Clock::now() - begin).count();
    const auto end = Clock::now() + std::chrono::seconds(10);
    for (auto &connection : connections) {
        while (connection->running() > 0) {
            if (Clock::now() > end) fail("calls are not answered");
            exchange(connections);
            nanosleep(&nap, nullptr);
        }
    }
    return count / took;
}

} // namespace

int main(int count, char **arguments) {
    if (count != 5) fail("usage: latency_client PORT CONNECTIONS RATE SECONDS");
    // Naps end when they should, not 50 microseconds later.
    prctl(PR_SET_TIMERSLACK, 1UL);
    const double rate = std::atof(arguments[3]), seconds = std::atof(arguments[4]);
    std::vector<uint32_t> times;
    Connections connections;
    for (int index = 0; index < std::atoi(arguments[2]); index++) {
        connections.push_back(std::make_unique<Connection>(std::atoi(arguments[1]), times));
    }
    run(connections, rate, warmup_seconds);
    times.clear();
    const double reached = run(connections, rate, seconds);
    if (reached < rate * rate_share_min) fail("the rate was not reached");
    std::sort(times.begin(), times.end());
    std::printf("%.0f %u %u %u\n", reached, times[times.size() / 2], times[times.size() * 99 / 100],
                times.back());
}
