# shellcheck shell=bash
# Clients by other people's gRPC libraries, C++ and Go, that the conformance tests let call Berth.

# What they are built from; Debian's own packages, so that nothing is fetched while building.
conformance_packages=(g++ libgrpc++-dev pkg-config golang-go golang-google-grpc-dev)
peers="$state/peers"
peer_sources=Tests/ConformanceTests/Peers

# ensure_conformance_peers: installs what is missing of them, and compiles the clients unless they are
# newer than their sources.
ensure_conformance_peers() {
    local missing source
    mapfile -t missing < <(missing_packages "${conformance_packages[@]}")
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
    mkdir -p "$peers"
    source="$peer_sources/interop_client.cpp"
    [[ "$peers/interop_client_cpp" -nt "$source" ]] ||
        step "Compiling a client by gRPC C++" "$logs/peer-cpp.log" build_cpp_peer "$source"
    source="$peer_sources/interop_client.go"
    [[ "$peers/interop_client_go" -nt "$source" ]] ||
        step "Compiling a client by grpc-go" "$logs/peer-go.log" build_go_peer "$source"
}

build_cpp_peer() {
    local grpc
    read -ra grpc < <(pkg-config --cflags --libs grpc++)
    g++ -std=c++17 -O1 -Wall -Wextra "$1" "${grpc[@]}" -o "$peers/interop_client_cpp"
}

# Debian's Go packages lie in one GOPATH; there is no module to look up.
build_go_peer() {
    env GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$peers/go-cache" GOFLAGS= \
        go build -o "$peers/interop_client_go" "$1"
}
