"""The rule of every training loop: keep the best epoch on validation, and stop when it has not improved for a while."""

from __future__ import annotations

from typing import Any

import numpy as np

Seen = tuple[float, float, float]  # training loss, validation loss, validation score: NaN where nothing is held out


class Best:
    """The parameters of the best epoch so far; epoch 0 is the start. Without validation, those of the last.

    Args:
        parameters: of the start.
        seen: of the start.
        patience: epochs without a better validation score (or, at the same score, loss) after which to stop.
    """

    def __init__(self, parameters: Any, seen: Seen, patience: int) -> None:
        self.parameters, self.epoch, self.history = parameters, 0, [seen]
        self._patience, self._held = patience, not np.isnan(seen[2])

    def stops(self, parameters: Any, seen: Seen) -> bool:
        """Take note of the next epoch, and say whether it is to be the last."""
        self.history.append(seen)
        epoch = len(self.history) - 1
        if not self._held or _merit(seen) > _merit(self.history[self.epoch]):
            self.parameters, self.epoch = parameters, epoch
        return self._held and epoch - self.epoch >= self._patience


def _merit(seen: Seen) -> tuple[float, float]:
    """What epochs are compared by: the score and, among equals (it may well be 1), the loss."""
    return seen[2], -seen[1]
