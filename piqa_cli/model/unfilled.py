"""Networks whose weights come from a file at once, built without drawing random ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_FILLS = {Tensor.uniform_, Tensor.normal_, Tensor.erfinv_, Tensor.clamp_}  # what timm and torch draw weights with
_STEPS = {Tensor.mul_, Tensor.add_, Tensor.fill_, Tensor.zero_}  # of which tables are computed with, too


class Unfilled(TorchFunctionMode):
    """Within it modules are built with whatever is in memory for weights: seconds less for a large network.

    For shapes alone, and for what a whole state dict is loaded into. The device "meta", which is there for that,
    imports torch's compiler, some three seconds. No random numbers are drawn, so that others come after it.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Leave a tensor that would be filled as it is, and call everything else."""
        kwargs = kwargs or {}
        fills = func in _FILLS or (func in _STEPS and isinstance(args[0], nn.Parameter))
        if fills or getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
