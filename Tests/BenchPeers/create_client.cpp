// Calls CreateDatabaseService for a time from a number of clients, each on a connection of its own
// and with one call at a time, and checks the answer of every call.
//
//   create_client PORT CLIENTS WARMUP_SECONDS SECONDS WORKSPACES RUN
//
// The workspaces are those of scripts/bench.d/seed.sql; each client goes through all of them in
// turn. RUN makes the names unique. Prints one line: calls, calls a second, microseconds. Ends with
// status 1 at the first call that is not answered by a message and grpc-status 0.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using Clock = std::chrono::steady_clock;

namespace {

[[noreturn]] void fail(const std::string &reason) {
    std::fprintf(stderr, "create_client: %s\n", reason.c_str());
    std::exit(1);
}

struct Plan {
    uint16_t port;
    int clients;
    long workspaces;
    std::string run;
};

// w in as many decimal digits.
std::string digits(long w, size_t count) {
    std::string text = std::to_string(w);
    return std::string(count - text.size(), '0') + text;
}

std::string uuid(long w) {
    std::string text = digits(w, 32);
    for (int place : {20, 16, 12, 8}) text.insert(place, 1, '-');
    return text;
}

void append_text(std::string &message, int field, const std::string &text) {
    // Every text here is shorter than 128 bytes, so its length is one byte.
    message += static_cast<char>(field << 3 | 2);
    message += static_cast<char>(text.size());
    message += text;
}

// A CreateDatabaseServiceRequest in its gRPC frame.
std::string request_frame(const std::string &name, long workspace) {
    std::string message;
    append_text(message, 1, uuid(workspace));
    append_text(message, 2, name);
    append_text(message, 3, "postgres");
    append_text(message, 4, uuid(workspace));
    message += std::string("\x28\x01", 2);
    append_text(message, 6, "request-" + name);
    std::string frame(3, '\0');
    frame += static_cast<char>(message.size() >> 8);
    frame += static_cast<char>(message.size() & 0xff);
    return frame + message;
}

// The value must live until nghttp2 has copied it.
nghttp2_nv header(std::string_view name, std::string_view value, uint8_t flags = 0) {
    return {reinterpret_cast<uint8_t *>(const_cast<char *>(name.data())),
            reinterpret_cast<uint8_t *>(const_cast<char *>(value.data())), name.size(),
            value.size(), flags};
}

class Client {
  public:
    Client(const Plan &plan, int number) : plan_(plan), number_(number) {
        connect();
        nghttp2_session_callbacks *callbacks;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_session_client_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
        send();
    }

    ~Client() {
        nghttp2_session_del(session_);
        close(socket_);
    }

    int socket() const { return socket_; }
    bool is_busy() const { return busy_; }
    std::vector<uint32_t> &microseconds() { return microseconds_; }
    void forget_times() { microseconds_.clear(); }

    void begin() {
        long workspace = (calls_ * plan_.clients + number_) % plan_.workspaces + 1;
        std::string name =
            "s" + plan_.run + "-" + std::to_string(number_) + "-" + std::to_string(calls_++);
        frame_ = request_frame(name, workspace);
        sent_ = 0;
        received_ = 0;
        status_.clear();
        message_.clear();
        busy_ = true;
        std::string token = "Bearer berth_" + digits(workspace, 42) + "A";
        std::string authority = "127.0.0.1:" + std::to_string(plan_.port);
        nghttp2_nv headers[] = {
            header(":method", "POST"),
            header(":scheme", "http"),
            header(":path", path_),
            header(":authority", authority),
            header("content-type", "application/grpc"),
            header("te", "trailers"),
            header("authorization", token, NGHTTP2_NV_FLAG_NO_INDEX),
        };
        nghttp2_data_provider body{{}, read_body};
        begun_ = Clock::now();
        if (nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &body,
                                   nullptr) < 0) {
            fail("no more calls on this connection");
        }
        send();
    }

    void read() {
        uint8_t bytes[65536];
        ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
        if (count <= 0) fail("the server closed the connection");
        if (nghttp2_session_mem_recv(session_, bytes, count) != count) fail("not HTTP/2");
        send();
    }

  private:
    static constexpr std::string_view path_ =
        "/berth.controlplane.v1.ServiceService/CreateDatabaseService";
    const Plan &plan_;
    const int number_;
    int socket_;
    nghttp2_session *session_;
    long calls_ = 0;
    bool busy_ = false;
    std::string frame_, status_, message_;
    size_t sent_ = 0, received_ = 0;
    Clock::time_point begun_;
    std::vector<uint32_t> microseconds_;

    void connect() {
        socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(plan_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
            fail(std::string("connect: ") + std::strerror(errno));
        }
        int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    void send() {
        std::string output;
        const uint8_t *bytes;
        ssize_t count;
        while ((count = nghttp2_session_mem_send(session_, &bytes)) > 0) {
            output.append(reinterpret_cast<const char *>(bytes), count);
        }
        // A few hundred bytes a call fit into an empty socket; blocking does no harm.
        for (size_t sent = 0; sent < output.size();) {
            count = ::send(socket_, output.data() + sent, output.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) fail("the server closed the connection");
            sent += count;
        }
    }

    void ended(uint32_t error) {
        if (error != 0 || status_ != "0" || received_ <= 5) {
            fail("a call failed: grpc-status " + (status_.empty() ? "missing" : status_) +
                 ", HTTP/2 error " + std::to_string(error) + ", message: " + message_);
        }
        auto time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun_);
        microseconds_.push_back(time.count());
        busy_ = false;
    }

    static ssize_t read_body(nghttp2_session *, int32_t, uint8_t *buffer, size_t size,
                             uint32_t *flags, nghttp2_data_source *, void *user) {
        auto self = static_cast<Client *>(user);
        size_t count = std::min(size, self->frame_.size() - self->sent_);
        std::memcpy(buffer, self->frame_.data() + self->sent_, count);
        self->sent_ += count;
        if (self->sent_ == self->frame_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return count;
    }

    static int on_header(nghttp2_session *, const nghttp2_frame *, const uint8_t *name,
                         size_t name_size, const uint8_t *value, size_t value_size, uint8_t,
                         void *user) {
        auto self = static_cast<Client *>(user);
        std::string key(reinterpret_cast<const char *>(name), name_size);
        std::string text(reinterpret_cast<const char *>(value), value_size);
        if (key == "grpc-status") self->status_ = text;
        if (key == "grpc-message") self->message_ = text;
        return 0;
    }

    static int on_data(nghttp2_session *, uint8_t, int32_t, const uint8_t *, size_t size,
                       void *user) {
        static_cast<Client *>(user)->received_ += size;
        return 0;
    }

    static int on_close(nghttp2_session *, int32_t, uint32_t error, void *user) {
        static_cast<Client *>(user)->ended(error);
        return 0;
    }
};

// Keeps every client busy until the time is over, then lets the calls end that run.
void run(std::vector<std::unique_ptr<Client>> &clients, double seconds) {
    auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::vector<pollfd> polled;
    for (auto &client : clients) polled.push_back({client->socket(), POLLIN, 0});
    while (true) {
        bool goes_on = Clock::now() < end;
        bool busy = false;
        for (auto &client : clients) {
            if (!client->is_busy() && goes_on) client->begin();
            busy |= client->is_busy();
        }
        if (!busy) return;
        int count = poll(polled.data(), polled.size(), 30000);
        if (count == 0) fail("no answer within 30 seconds");
        for (size_t index = 0; index < polled.size(); index++) {
            if (polled[index].revents != 0) clients[index]->read();
        }
    }
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 7) fail("six arguments are needed");
    Plan plan{static_cast<uint16_t>(std::atoi(arguments[1])), std::atoi(arguments[2]),
              std::atol(arguments[5]), arguments[6]};
    std::vector<std::unique_ptr<Client>> clients;
    for (int number = 0; number < plan.clients; number++) {
        clients.push_back(std::make_unique<Client>(plan, number));
    }
    run(clients, std::atof(arguments[3]));
    for (auto &client : clients) client->forget_times();
    auto begun = Clock::now();
    run(clients, std::atof(arguments[4]));
    double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    std::vector<uint32_t> times;
    for (auto &client : clients) {
        auto &own = client->microseconds();
        times.insert(times.end(), own.begin(), own.end());
    }
    if (times.empty()) fail("no call ended");
    std::sort(times.begin(), times.end());
    std::printf("calls %zu per_second %.1f median_us %u p99_us %u\n", times.size(),
                times.size() / seconds, times[times.size() / 2], times[times.size() * 99 / 100]);
}
