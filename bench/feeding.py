"""How busy a training keeps the cores, and how long its steps wait for data.

    python -m bench.feeding fashion-resnet fashion-vgg wardrobe

The first steps of an epoch as `kmaas train` does them, with what there is beside them on the machine.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kmaas.config import Config
from kmaas.progress import PlainProgress
from models.catalog import select
from training.config import load_train_config
from training.fit import batched, fresh_model
from training.recipe import AugmentingRecipe
from training.recipes import make_recipe

_STEPS = 100
_BEFORE = 5  # steps in which graphs are made


@dataclass(frozen=True)
class Fed:
    """Of some steps: seconds in all, seconds in which a step waited for its batch, and seconds of all cores."""

    steps: int
    seconds: float
    waiting_s: float
    cpu_s: float

    def told(self, cores: int) -> str:
        busy, waiting = self.cpu_s / (self.seconds * cores), self.waiting_s / self.seconds
        return (
            f"{self.steps} steps, {1000 * self.seconds / self.steps:.0f} ms each, {busy:.0%} of {cores} cores busy "
            f"with it, {waiting:.1%} of the time waiting for data"
        )


def fed(
    batches: Iterable[Any],
    step: Callable[[Any], object],
    steps: int,
    clock: Callable[[], float] = time.monotonic,
    cpu: Callable[[], float] = time.process_time,
) -> Fed:
    """At most so many steps, after `_BEFORE` others; of fewer batches there are fewer."""
    given = iter(batches)
    for batch in islice(given, _BEFORE):
        step(batch)
    started, cpu_before, waiting, done = clock(), cpu(), 0.0, 0
    while done < steps:
        asked = clock()
        batch = next(given, None)
        if batch is None:
            break
        waiting += clock() - asked
        step(batch)
        done += 1
    return Fed(done, clock() - started, waiting, cpu() - cpu_before)


def _measured(name: str, steps: int) -> Fed:
    [spec] = select([name])
    config = load_train_config(spec)
    recipe = make_recipe(spec, config, Config().cache, PlainProgress(lambda _: None, time.monotonic))
    if not isinstance(recipe, AugmentingRecipe):
        raise SystemExit(f"{name} is not fed by a pipeline: its epochs are whole arrays")
    model, _ = fresh_model(spec, config, recipe)
    rows = batched(*recipe.epoch(0), config.batch_size)
    return fed(recipe.augmented(rows, 0), lambda batch: model.train_on_batch(*batch), steps)


def main() -> None:
    parser = argparse.ArgumentParser(description="How busy a training keeps the cores.")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--steps", type=int, default=_STEPS)
    options = parser.parse_args()
    for name in options.models:
        before = os.getloadavg()[0]
        result = _measured(name, options.steps)
        print(f"{name}: {result.told(len(os.sched_getaffinity(0)))}; load of the machine {before:.1f}", flush=True)


if __name__ == "__main__":
    main()
