import BerthMessages
import CBerthProto
import CProtobufC
import Messages
import StandardMessages
import Testing

@Suite struct DescriptorTests {
    @Test("the method tables list what protobuf-c's service descriptors list, in order")
    func methods() {
        typealias Services = BerthV1.ServiceServiceMethods
        #expect(
            unsafe paths(of: berth__controlplane__v1__service_service__descriptor) == [
                Services.createDatabaseService.path, Services.getService.path,
                Services.listServices.path, Services.deleteService.path,
                Services.undeleteService.path, Services.watchServices.path,
                Services.revealConnection.path, Services.listDatabaseTemplates.path,
            ]
        )
        #expect(
            unsafe paths(of: berth__controlplane__v1__deployment_service__descriptor) == [
                BerthV1.DeploymentServiceMethods.getDeployment.path,
                BerthV1.DeploymentServiceMethods.listDeployments.path,
                BerthV1.DeploymentServiceMethods.watchDeployment.path,
                BerthV1.DeploymentServiceMethods.deployService.path,
                BerthV1.DeploymentServiceMethods.redeployService.path,
                BerthV1.DeploymentServiceMethods.restartService.path,
                BerthV1.DeploymentServiceMethods.cancelDeployment.path,
                BerthV1.DeploymentServiceMethods.tailLogs.path,
            ]
        )
        #expect(
            unsafe paths(of: berth__controlplane__v1__server_service__descriptor) == [
                BerthV1.ServerServiceMethods.createServer.path,
                BerthV1.ServerServiceMethods.getServer.path,
                BerthV1.ServerServiceMethods.listServers.path,
                BerthV1.ServerServiceMethods.createRegistrationToken.path,
            ]
        )
        #expect(
            unsafe paths(of: berth__agent__v1__agent_service__descriptor) == [
                AgentV1.AgentServiceMethods.register.path,
                AgentV1.AgentServiceMethods.connect.path,
            ]
        )
        #expect(
            unsafe paths(of: berth__controlplane__v1__config_service__descriptor)
                == [BerthV1.ConfigServiceMethods.listConfig.path]
        )
        #expect(
            unsafe paths(of: grpc__health__v1__health__descriptor) == [
                GRPCHealthV1.HealthMethods.check.path, GRPCHealthV1.HealthMethods.list.path,
                GRPCHealthV1.HealthMethods.watch.path,
            ]
        )
        #expect(
            unsafe paths(of: grpc__reflection__v1__server_reflection__descriptor)
                == [GRPCReflectionV1.ServerReflectionMethods.serverReflectionInfo.path]
        )
        #expect(
            unsafe paths(of: grpc__reflection__v1alpha__server_reflection__descriptor)
                == [GRPCReflectionV1Alpha.ServerReflectionMethods.serverReflectionInfo.path]
        )
    }

    private func paths(of service: ProtobufCServiceDescriptor) -> [String] {
        (0..<Int(unsafe service.n_methods)).map { index in
            unsafe "/\(String(cString: service.name))/\(String(cString: service.methods[index].name))"
        }
    }

    @Test("a path is the service's full name and the method's")
    func path() {
        #expect(
            BerthV1.ServiceServiceMethods.createDatabaseService.path
                == "/berth.controlplane.v1.ServiceService/CreateDatabaseService"
        )
    }

    @Test("the descriptor set holds every file, each after what it imports")
    func descriptorSet() throws {
        let set = BerthDescriptors.fileDescriptorSet
        var names: [String] = []
        var offset = 0
        while offset < set.count {
            // FileDescriptorSet.file is field 1, FileDescriptorProto.name is field 1 and shorter than 128.
            try #require(set[offset] == 0x0A)
            var length = 0
            var shift = 0
            repeat {
                offset += 1
                length |= Int(set[offset] & 0x7F) << shift
                shift += 7
            } while set[offset] >= 0x80
            offset += 1
            try #require(set[offset] == 0x0A)
            let name = set[(offset + 2)..<(offset + 2 + Int(set[offset + 1]))]
            names.append(String(decoding: name, as: UTF8.self))
            offset += length
        }
        #expect(offset == set.count)
        #expect(names.count == 21)
        let order = try [
            "google/protobuf/timestamp.proto", "berth/controlplane/v1/service.proto",
            "berth/controlplane/v1/service_service.proto",
        ].map { try #require(names.firstIndex(of: $0)) }
        #expect(order == order.sorted())
        for name in [
            "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto",
            "grpc/reflection/v1alpha/reflection.proto", "google/rpc/error_details.proto",
        ] {
            #expect(names.contains(name))
        }
    }

    @Test("a message packed into Any comes out as itself, and as nothing else")
    func any() throws {
        let request = GoogleRPC.BadRequest.with {
            $0.fieldViolations = [.with { $0.field = "name" }]
        }
        let packed = try GoogleProtobuf.AnyMessage(packing: request)
        #expect(packed.typeURL == "type.googleapis.com/google.rpc.BadRequest")
        #expect(try packed.unpacked(as: GoogleRPC.BadRequest.self) == request)
        #expect(try packed.unpacked(as: GoogleRPC.ErrorInfo.self) == nil)
    }
}
