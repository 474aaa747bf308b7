"""Items that other processes make."""

import os
import signal

import pytest
import torch
from torch.utils.data import Dataset

from piqa_training.workers import in_workers


class Squares(Dataset):
    def __init__(self, fatal=None):
        self.fatal = fatal

    def __len__(self):
        return 5

    def __getitem__(self, index):
        if index == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"square": torch.tensor([index**2]), "by": os.getpid()}


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_items_come_in_order_and_take_no_shared_memory(workers):
    items = list(in_workers(Squares(), workers))
    assert [int(item["square"]) for item in items] == [0, 1, 4, 9, 16]
    assert not any(item["square"].is_shared() for item in items)
    assert len({item["by"] for item in items} - {os.getpid()}) == workers


def test_a_worker_that_dies_ends_the_work_instead_of_holding_it_up():
    with pytest.raises(RuntimeError, match="DataLoader worker"):
        list(in_workers(Squares(fatal=3), 1))
