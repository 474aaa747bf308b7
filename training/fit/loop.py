"""The training loop: epochs of batches, validation after each, checkpoints that a killed run goes on from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from piqa_cli.errors import EngineError
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.preprocess import on_device
from piqa_training.fit.best import Measures, best_weights, chosen_value, forget_others, keep_best
from piqa_training.fit.distributed import World
from piqa_training.fit.ema import Average
from piqa_training.fit.inputs import Augmentation, InputBatch, Photos, training_batches
from piqa_training.fit.loss import Targets, loss_parts
from piqa_training.fit.observer import Observer
from piqa_training.fit.optimiser import build_optimiser, set_rate
from piqa_training.fit.predict import autocast
from piqa_training.fit.report import write_metrics, write_tensorboard
from piqa_training.fit.sampler import SceneSampler, mixed, share_of
from piqa_training.fit.schedule import rate_factor
from piqa_training.fit.state import State, save_state
from piqa_training.fit.unit import Place, Unit, checkpoint_activations, freeze, share_dropout, training_mode
from piqa_training.settings import TrainSettings
from piqa_training.terms import Objective

_AUGMENTATION, _DROPOUT, _OTHER = 1, 2, 3  # streams of random numbers


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learnt, from which photos, and how it is judged."""

    settings: TrainSettings
    photos: Photos  # of the train part
    targets: Targets
    datasets: int
    validate: Callable[[DualBranchNet], Measures]  # empty where there is nothing to validate on
    frozen_norms: bool


class Fit:
    """One run of the loop. Every process makes one; they stay equal, and the first one writes."""

    def __init__(self, network: DualBranchNet, task: Task, state: State, world: World, run: Path, observer: Observer):
        self.network, self.task, self.state, self.world, self.run, self.observer = (
            network, task, state, world, run, observer,
        )  # fmt: skip
        self.settings, self.standing = task.settings, state.standing
        self.place, self.rate = Place(), 0.0
        self.targets = task.targets.to(world.device)
        share_dropout(network, self.place)
        freeze(network, self.settings)
        if self.settings.run.checkpoint_activations:
            checkpoint_activations(network)
        self.unit = self._distributed(Unit(network))
        self.objective = Objective(self.settings.loss, task.datasets).to(world.device)
        self.optimiser = build_optimiser(network, self.objective, self.settings.optimiser)
        self.average = Average(network, self.settings.optimiser.ema) if self.settings.optimiser.ema else None
        self._restore()
        data = self.settings.data
        self.sampler = SceneSampler(
            task.targets.labels.group.tolist(),
            photos=2 * data.pairs,
            scene_photos=data.scene_photos,
            seed=self.settings.run.seed,
        )

    def finished(self) -> bool:
        """All epochs are done, or none has been better for `patience` of them."""
        patience = self.settings.run.patience
        stopped = patience > 0 and self.standing.since_best >= patience
        return self.standing.epoch >= self.settings.run.epochs or stopped

    def go(self) -> None:
        """Train to the end; the network is left with the weights of the best epoch.

        Raises:
            EngineError: the loss is not finite any more.
            PhotoError: a photo went away.
        """
        if self.state.from_model and self.standing.best_epoch is None and self.standing.epoch == 0:
            self._judge_start()
        while not self.finished():
            self._epoch()
        self.world.wait()  # the first process writes the best weights, all read them
        if self.standing.best_epoch is not None:
            self.network.load_state_dict(best_weights(self.network, self.run, self.standing.best_epoch))

    def _judge_start(self) -> None:
        """The starting model is the best one until an epoch is better: fine-tuning must not make it worse."""
        self.world.same(self.network)
        value = chosen_value(self.task.validate(self.network), self.settings)
        if value is not None:
            self.standing.best_value, self.standing.best_epoch = value, 0
            if self.world.first:
                keep_best(self.network, self.run, 0)

    def _epoch(self) -> None:
        epoch, began = self.standing.epoch, time.perf_counter() - self.standing.seconds
        batches = self.sampler.epoch(epoch)
        shares = [share_of(batch, self.world.rank, self.world.size) for batch in batches[self.standing.batch :]]
        training_mode(self.network, self.settings, frozen_norms=self.task.frozen_norms)
        stream = training_batches(self.task.photos, shares, self._augmentation(), epoch, self.settings.data.workers)
        for number, inputs in enumerate(stream, start=self.standing.batch):
            if self._batch(number, batches, inputs):
                self.standing.batch, self.standing.seconds = number + 1, time.perf_counter() - began
                every = self.settings.run.save_every
                if every and self.standing.steps % every == 0 and number + 1 < len(batches):
                    self._save()
            self.observer.progress(f"epoch {epoch + 1}", number + 1, len(batches))
        self._end_epoch(len(batches), began)

    def _batch(self, number: int, batches: list[list[int]], inputs: InputBatch) -> bool:
        """One batch -> whether it ended in a step of the optimiser."""
        accumulate, epoch = self.settings.optimiser.accumulate, self.standing.epoch
        ends = (number + 1) % accumulate == 0 or number + 1 == len(batches)
        together = min(accumulate, len(batches) - number // accumulate * accumulate)  # batches of this step
        if number % accumulate == 0:
            progress = epoch + number / len(batches)
            factor = rate_factor(self.settings.optimiser, progress, self.settings.run.epochs)
            self.rate = self.settings.optimiser.learning_rate * factor
            set_rate(self.optimiser, self.rate)
        self._seed(epoch, number, len(batches[number]), len(inputs.rows))
        hold = self.unit.no_sync() if isinstance(self.unit, DistributedDataParallel) and not ends else nullcontext()
        with hold:
            parts = self._parts(inputs, torch.tensor(batches[number], device=self.world.device))
            total = torch.stack(list(parts.values())).sum()
            if not math.isfinite(float(total.detach())):
                raise EngineError(
                    f"the loss is not finite any more in epoch {epoch + 1}, batch {number + 1}",
                    hint="a lower --learning-rate, or --clip-norm 1, may help",
                )
            (total / together).backward()  # type: ignore[no-untyped-call]
        for name, value in parts.items():
            self.standing.sums[name] = self.standing.sums.get(name, 0.0) + float(value.detach())
        if ends:
            self._step()
        return ends

    def _parts(self, inputs: InputBatch, rows: Tensor) -> dict[str, Tensor]:
        device = self.world.device
        views = {cut: on_device(pixels, device) for cut, pixels in inputs.views.items()}
        flipped = {cut: on_device(pixels, device) for cut, pixels in inputs.flipped.items()}
        with autocast(device, self.settings.run.precision):
            own = self.unit(views, flipped, None if inputs.liqe is None else inputs.liqe.to(device))
        everything = self.world.gather(own)  # padded rows come last
        table = everything[: len(rows)]
        keep, has_face = self.settings.keep, self.network.face_head is not None
        parts = loss_parts(table, rows, self.targets, self.objective, keep, face_head=has_face)
        first = next(iter(parts))
        parts[first] = parts[first] + 0 * everything.sum()  # every weight gets a gradient: all processes wait for it
        return parts

    def _step(self) -> None:
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        if self.settings.optimiser.clip_norm:
            nn.utils.clip_grad_norm_(parameters, self.settings.optimiser.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.standing.steps += 1
        if self.average is not None:
            self.average.update(self.network)

    def _end_epoch(self, batches: int, began: float) -> None:
        standing = self.standing
        train = {name: value / batches for name, value in standing.sums.items()}
        train["loss"] = sum(train.values())
        with self._averaged():
            self.world.same(self.network)
            val = self.task.validate(self.network)
            is_best = self._judge(val)
            if is_best and self.world.first:
                keep_best(self.network, self.run, standing.epoch + 1)
        standing.epoch, standing.batch, standing.sums = standing.epoch + 1, 0, {}
        record = {
            "epoch": standing.epoch, "train": train, "val": val, "lr": self.rate,
            "seconds": round(time.perf_counter() - began, 3),
        }  # fmt: skip
        standing.seconds = 0.0
        standing.history.append(record)
        if self.world.first:
            write_metrics(standing.history, self.run)
            write_tensorboard([record], self.run)
        self._save()
        if self.world.first:
            forget_others(self.run, standing.best_epoch)
        self.observer.epoch({**record, "best": is_best})

    def _judge(self, val: Measures) -> bool:
        """Whether the epoch that ends is the best so far; without anything to judge by, the last one is."""
        standing = self.standing
        value = chosen_value(val, self.settings)
        best = value is None or standing.best_value is None or value > standing.best_value
        if best:
            standing.best_value, standing.best_epoch = value, standing.epoch + 1
        standing.since_best = 0 if best else standing.since_best + 1
        return best

    def _save(self) -> None:
        if not self.world.first:
            return
        self.state.network = self.network.state_dict()
        self.state.optimiser = self.optimiser.state_dict()
        self.state.objective = self.objective.state_dict()
        if self.average is not None:
            self.state.ema, self.state.ema_steps = self.average.state(), self.average.steps
        save_state(self.state, self.run)

    def _restore(self) -> None:
        if self.state.optimiser is not None:
            self.optimiser.load_state_dict(self.state.optimiser)
        if self.state.objective is not None:
            self.objective.load_state_dict(self.state.objective)
        if self.state.ema is not None and self.average is not None:
            self.average.restore(self.state.ema, self.state.ema_steps)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The averaged weights in place of the current ones, where there are any."""
        if self.average is None:
            yield
            return
        current = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(self.average.state())
        try:
            yield
        finally:
            self.network.load_state_dict(current)

    def _seed(self, epoch: int, number: int, total: int, own: int) -> None:
        """All randomness of a batch follows from where it stands, so there is no state to keep."""
        seed = self.settings.run.seed
        self.place.seed = mixed(seed, _DROPOUT, epoch, number)
        self.place.start, self.place.total = self.world.rank * own, total
        torch.manual_seed(mixed(seed, _OTHER, epoch, number, self.world.rank))

    def _augmentation(self) -> Augmentation:
        data = self.settings.data
        seed = mixed(self.settings.run.seed, _AUGMENTATION)
        return Augmentation(seed, data.flip, data.random_crop, both=self.settings.loss.needs_flipped)

    def _distributed(self, unit: nn.Module) -> nn.Module:
        if self.world.size == 1:
            return unit
        return DistributedDataParallel(unit)
