# shellcheck shell=bash
# What only the benchmark needs: the peers that Berth is measured beside, and what builds them.

# gRPC C++ with its generator and a compiler; h2load and nghttpd.
bench_packages=(g++ libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
    nghttp2-client nghttp2-server)

# ensure_bench_packages: installs what is missing of them.
ensure_bench_packages() {
    local missing
    mapfile -t missing < <(missing_packages "${bench_packages[@]}")
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
    [[ -x "$(postgres_binaries)/pgbench" ]] ||
        fail "pgbench is missing beside PostgreSQL's other programs in $(postgres_binaries)"
}

# build_peers: compiles the programs of Tests/BenchPeers into $peers.
build_peers() {
    local flags=(-std=c++17 -O2 -Wall -Wextra) grpc
    mkdir -p "$peers/generated"
    g++ "${flags[@]}" Tests/BenchPeers/create_client.cpp -lnghttp2 -o "$peers/create_client"
    g++ "${flags[@]}" Tests/BenchPeers/latency_client.cpp -lnghttp2 -o "$peers/latency_client"
    protoc --proto_path=proto/standard --cpp_out="$peers/generated" --grpc_out="$peers/generated" \
        --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" grpc/health/v1/health.proto
    read -ra grpc < <(pkg-config --cflags --libs grpc++ protobuf)
    g++ "${flags[@]}" -I"$peers/generated" Tests/BenchPeers/health_server.cpp \
        "$peers"/generated/grpc/health/v1/*.cc "${grpc[@]}" -o "$peers/health_server"
}

# ensure_peers: compiles them unless they are newer than their sources.
ensure_peers() {
    local newest
    newest="$(find -H Tests/BenchPeers proto/standard/grpc/health -type f -newer "$peers/health_server" \
        2>/dev/null || echo missing)"
    [[ -z "$newest" ]] || step "Compiling what Berth is measured beside" "$logs/bench-peers.log" \
        build_peers
}
