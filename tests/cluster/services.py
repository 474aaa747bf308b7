"""A real S3 server on loopback and a real Ray cluster of several nodes, for tests and `benchmarks.cluster_run`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fsspec
import psutil

BUCKETS = ("photos", "scores")
START_S = 60.0
PATIENCE = {  # a lost node is given up soon, a process that starts on a busy machine is not, and it gets its share
    "worker_niceness": 0,
    "health_check_period_ms": 1000,
    "health_check_failure_threshold": 5,
    "worker_register_timeout_seconds": 300,
}
STORE_BYTES = 100 * 2**20  # of shared memory for each node


@dataclass
class Store:
    """An S3 server that this process, and every process that it starts, finds by its environment."""

    fs: Any

    def put(self, name: str, content: bytes, **more: str) -> None:
        bucket, _, key = name.partition("/")
        self.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=content, **more)


@contextmanager
def s3_server() -> Iterator[Store]:
    """moto's server with the buckets of `BUCKETS`, in a process of its own; the environment points to it meanwhile."""
    port = _free_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        fsspec.filesystem("s3").clear_instance_cache()
        fs = fsspec.filesystem("s3", use_listings_cache=False)
        for bucket in BUCKETS:
            fs.call_s3("create_bucket", Bucket=bucket)
        yield Store(fs)
    finally:
        server.terminate()
        server.wait(10)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class Nodes:
    """The nodes of a cluster that do the work."""

    def __init__(self, cluster: Any, count: int, cpus: int) -> None:
        self._cluster = cluster
        self._cpus = cpus
        self._workers = [self._start() for _ in range(count)]

    def lose_one(self) -> None:
        """A machine goes away without a word."""
        self._cluster.remove_node(self._workers.pop(), allow_graceful=False)

    def add(self) -> None:
        """Another machine joins."""
        self._workers.append(self._start())

    def _start(self) -> Any:
        return self._cluster.add_node(num_cpus=self._cpus, object_store_memory=STORE_BYTES)


@contextmanager
def multi_node(nodes: int, cpus: int) -> Iterator[Nodes]:
    """A Ray cluster whose head does no work, with `nodes` further nodes of `cpus` cores; this process is its driver."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES, "_system_config": PATIENCE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        workers = Nodes(cluster, nodes, cpus)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield workers
    finally:
        ray.shutdown()
        cluster.shutdown()


def actor_processes() -> list[psutil.Process]:
    """The processes of this run's actors, which Ray names after them."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        title = " ".join(process.info["cmdline"] or ())
        if title.startswith("ray::") and "PartitionScorer" in title:
            found.append(process)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the S3 server does not start")
