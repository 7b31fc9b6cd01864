"""Times databases from the create call to RUNNING, and beside them the same image from `docker run` to
the first SELECT 1, in turn, one at a time.

    deploy_client.py ADDRESS GENERATED_CODE BOOTSTRAP_FILE TOKEN_FILE COUNT IMAGE PSQL

BOOTSTRAP_FILE is what `berthd bootstrap --json` printed. Prints a line for each turn: the milliseconds
of Berth with data that was initialised ahead, those without, and those of Docker alone. Each database is
removed, outside of the measurement, before the next. The agent keeps one spare volume: the turn's first
database takes it, the second comes before the next one is made, and Docker's turn after it.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[2])

import grpc  # noqa: E402
from berth.controlplane.v1 import deployment_pb2  # noqa: E402
from berth.controlplane.v1 import deployment_service_pb2 as deployments  # noqa: E402
from berth.controlplane.v1 import deployment_service_pb2_grpc as deployments_grpc  # noqa: E402
from berth.controlplane.v1 import service_service_pb2 as services  # noqa: E402
from berth.controlplane.v1 import service_service_pb2_grpc as services_grpc  # noqa: E402

TIMEOUT_SECONDS = 60
FINAL = {
    deployment_pb2.DEPLOYMENT_STATE_FAILED,
    deployment_pb2.DEPLOYMENT_STATE_SUPERSEDED,
    deployment_pb2.DEPLOYMENT_STATE_CANCELLED,
}


def docker(*arguments):
    """What a docker command printed."""
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


class Berth:
    """Creates databases by the API and waits for them."""

    def __init__(self, channel, bootstrap, token):
        self.services = services_grpc.ServiceServiceStub(channel)
        self.deployments = deployments_grpc.DeploymentServiceStub(channel)
        self.bootstrap = bootstrap
        self.metadata = [("authorization", f"Bearer {token}")]

    def time_create(self, name):
        """Seconds from the call to RUNNING, and the service."""
        request = services.CreateDatabaseServiceRequest(
            environment_id=self.bootstrap["environment_id"],
            server_id=self.bootstrap["server_id"],
            name=name,
            template_id="postgres",
            deploy_now=True,
        )
        begin = time.monotonic()
        created = self.services.CreateDatabaseService(
            request, metadata=self.metadata, timeout=TIMEOUT_SECONDS
        )
        watched = self.deployments.WatchDeployment(
            deployments.WatchDeploymentRequest(deployment_id=created.deployment_id),
            metadata=self.metadata,
            timeout=TIMEOUT_SECONDS,
        )
        for change in watched:
            if change.deployment.state == deployment_pb2.DEPLOYMENT_STATE_RUNNING:
                return time.monotonic() - begin, created.service.id
            if change.deployment.state in FINAL:
                sys.exit(f"{name} did not run: {change.deployment.message}")
        sys.exit(f"the watch of {name} ended too early")

    def spares(self):
        """How many spare volumes are ready, none being made; None while one is."""
        label = f"label=berth.server={self.bootstrap['server_id']}"
        ours = ["--quiet", "--filter", label, "--filter", "label=berth.role=spare"]
        if docker("ps", "--all", *ours):
            return None
        return len(docker("volume", "ls", *ours).split())

    def wait_for_spare(self):
        """Waits until the agent has a spare volume and has nothing more to do."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while self.spares() != 1:
            if time.monotonic() > end:
                sys.exit("the agent keeps no spare volume")
            time.sleep(0.1)

    def time_one(self, name):
        """Seconds of a database that is removed again."""
        seconds, service = self.time_create(name)
        self.delete(service)
        return seconds

    def delete(self, service):
        """Deletes a service and waits until its container is gone."""
        self.services.DeleteService(
            services.DeleteServiceRequest(service_id=service),
            metadata=self.metadata,
            timeout=TIMEOUT_SECONDS,
        )
        end = time.monotonic() + TIMEOUT_SECONDS
        while docker("ps", "--all", "--quiet", "--filter", f"label=berth.service={service}"):
            if time.monotonic() > end:
                sys.exit(f"the container of service {service} stays")
            time.sleep(0.05)


def time_docker(name, image, psql):
    """Seconds from `docker run` with a new volume to the first SELECT 1 over the network."""
    begin = time.monotonic()
    docker(
        "run", "--detach", "--name", name, "--volume", f"{name}:/var/lib/postgresql/data",
        "--env", "POSTGRES_USER=berth", "--env", "POSTGRES_PASSWORD=measured", "--env",
        "POSTGRES_DB=app", image,
    )  # fmt: skip
    try:
        host = docker(
            "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name
        )
        login = ["--no-psqlrc", "--quiet", "--command", "SELECT 1"]
        address = f"host={host} user=berth dbname=app connect_timeout=2"
        environment = {"PGPASSWORD": "measured", "PATH": os.environ["PATH"]}
        while subprocess.run(
            [psql, address, *login], env=environment, capture_output=True
        ).returncode:
            if time.monotonic() - begin > TIMEOUT_SECONDS:
                sys.exit(f"PostgreSQL in {name} does not answer")
            time.sleep(0.005)
        return time.monotonic() - begin
    finally:
        docker("rm", "--force", "--volumes", name)
        docker("volume", "rm", "--force", name)


def main():
    """Alternates both and prints as it goes."""
    address, _, bootstrap_file, token_file, count, image, psql = sys.argv[1:]
    bootstrap = json.loads(pathlib.Path(bootstrap_file).read_text())
    token = pathlib.Path(token_file).read_text().strip()
    with grpc.insecure_channel(address) as channel:
        berth = Berth(channel, bootstrap, token)
        # The first makes the environment's network, which the others find.
        berth.time_one("warm-up")
        for turn in range(int(count)):
            berth.wait_for_spare()
            warm = berth.time_one(f"warm-{turn}")
            # Rarely the next one is made already: it is taken too.
            while berth.spares() != 0:
                berth.wait_for_spare()
                berth.time_one(f"taken-{turn}")
            cold = berth.time_one(f"cold-{turn}")
            berth.wait_for_spare()
            theirs = time_docker(f"berth-bench-{os.getpid()}-{turn}", image, psql)
            print(f"{warm * 1000:.0f} {cold * 1000:.0f} {theirs * 1000:.0f}", flush=True)


main()
