"""How much of the machine a run takes for its own."""

import torch

from piqa_cli.cores import available_cores
from piqa_cli.threads import limit_threads, one_thread


def test_a_container_that_is_paid_for_one_core_has_one(monkeypatch):
    monkeypatch.setattr("loky.backend.context._cpu_count_affinity_set", lambda: set(range(64)))
    monkeypatch.setattr("loky.backend.context.os.cpu_count", lambda: 64)
    monkeypatch.setattr("loky.backend.context._cpu_count_cgroup", lambda cores: cores)
    assert available_cores() == 64
    monkeypatch.setattr("loky.backend.context._cpu_count_cgroup", lambda _: 1)
    assert available_cores() == 1


def test_torch_computes_with_no_more_threads_than_there_are_cores(monkeypatch):
    with one_thread():  # which puts back what was
        torch.set_num_threads(3)
        for cores, threads in ((8, 3), (2, 2)):
            monkeypatch.setattr("piqa_cli.threads.available_cores", lambda cores=cores: cores)
            limit_threads()
            assert torch.get_num_threads() == threads
