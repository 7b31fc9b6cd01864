// grpc.health.v1.Health/Check on gRPC C++'s callback API: what Berth is measured beside.
//
//   health_server ADDRESS
//
// Answers SERVING to every Check. Serves until it is ended.

#include <grpcpp/grpcpp.h>

#include "grpc/health/v1/health.grpc.pb.h"

namespace health = grpc::health::v1;

class HealthService final : public health::Health::CallbackService {
    grpc::ServerUnaryReactor *Check(grpc::CallbackServerContext *context,
                                    const health::HealthCheckRequest *,
                                    health::HealthCheckResponse *response) override {
        response->set_status(health::HealthCheckResponse::SERVING);
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

int main(int count, char **arguments) {
    if (count != 2) return 2;
    HealthService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(arguments[1], grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    auto server = builder.BuildAndStart();
    if (!server) return 1;
    server->Wait();
}
