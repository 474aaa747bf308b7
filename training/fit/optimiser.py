"""Parameter groups with their own learning rates, and the optimiser over them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from piqa_cli.model.network import DualBranchNet
from piqa_training.fit.stages import stage_of_parameters, stages
from piqa_training.settings import OptimiserSettings

_OBJECTIVE_RATE = 1e-3


def build_optimiser(network: DualBranchNet, objective: nn.Module, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD with Nesterov momentum over everything that has gradients.

    Each group carries `factor`, its learning rate relative to `learning_rate`: `head_factor` for the heads, and for
    stage i of n in a backbone `layer_decay ** (n - i)`. The loss's own parameters learn at least at 1e-3: they start
    from nothing, however gently the network is tuned. AdamW spares vectors (biases, norms) from weight decay.
    """
    factors: dict[tuple[float, bool], list[nn.Parameter]] = {}
    decays = {part: _decays(getattr(network, part).net, settings.layer_decay) for part in ("full", "face")}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            part, _, rest = name.partition(".")
            factor = decays[part][rest.removeprefix("net.")] if part in decays else settings.head_factor
            spared = settings.name == "adamw" and parameter.dim() < 2
            factors.setdefault((factor, spared), []).append(parameter)
    own = max(1.0, _OBJECTIVE_RATE / settings.learning_rate)
    if mapped := list(objective.parameters()):
        factors.setdefault((own, True), []).extend(mapped)
    groups: list[dict[str, Any]] = [
        {"params": parameters, "factor": factor, "weight_decay": 0.0 if spared else settings.weight_decay}
        for (factor, spared), parameters in sorted(factors.items(), key=lambda item: item[0])
    ]
    if settings.name == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9, nesterov=True)
    kind = torch.optim.Adam if settings.name == "adam" else torch.optim.AdamW
    return kind(groups, lr=settings.learning_rate)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its share of a learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]


def _decays(net: nn.Module, decay: float) -> dict[str, float]:
    """Parameter name -> decay to the power of the stages behind it, the heads among them."""
    numbers, count = stage_of_parameters(net), stages(net)
    return {name: float(decay ** (count - number)) for name, number in numbers.items()}
