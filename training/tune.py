"""Searches for a model's best configuration, from wherever a search stands. keras-tuner chooses what is tried next."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.spec import ModelSpec, TrainConfig
from training.batches import predicted
from training.errors import NotASearchError, OutdatedSearchError
from training.fingerprint import changed, fingerprint
from training.fit import fit_epoch, fresh_model
from training.preset import preset_document
from training.progress import Progress
from training.recipe import JudgingRecipe, TrainingRecipe
from training.recipes import make_trial_recipe
from training.search import ACCURACY, Plan, Search, Trial, best_of
from training.space import Choices, Space, Value, with_values

if TYPE_CHECKING:
    import keras
    import keras_tuner

_OBJECTIVE = "score"
_PROJECT = "trials"  # keras-tuner's own folder in that of the search
_EPOCHS = "tuner/epochs"  # Hyperband's word for how long a trial is trained
_COMPLETED, _STOPPED = "COMPLETED", "STOPPED"


def tune(search: Search, cache: Path, progress: Progress, told: Callable[[Trial], None]) -> list[Trial]:
    """Does the trials that are missing and writes the best one's preset. An interruption loses the trial it falls into.

    Args:
        told: gets each trial, first those that were done before.

    Raises:
        SearchBusyError: another process continues it.
        OutdatedSearchError: code or data are no longer those it was begun with.
        NotASearchError: what keras-tuner wrote in it cannot be read.
        TrainingError: the data cannot be had.
    """
    with search.exclusive():
        if other := changed(search.plan.fingerprint, fingerprint(search.spec, search.base)):
            raise OutdatedSearchError(search.path, other, search.spec.name)
        recipe = make_trial_recipe(search.spec, search.base, cache, progress)
        measure = recipe.measure if isinstance(recipe, JudgingRecipe) else ACCURACY
        trials = _run(search, measure, cache, progress, told)
        best = best_of(trials)
        config = with_values(search.base, best.settings)  # a trial's epochs are a budget, no setting
        plan = search.plan
        search.write_preset(
            preset_document(
                config,
                f"The best of {len(trials)} trials ({plan.method}) of `kmaas tune {plan.model}`, folder "
                f"{search.path.name}: {measure} {best.score:.4f} after epoch {best.epochs} on "
                f"{recipe.facts.held_out_rows} training rows kept aside.",
            )
        )
        return trials


def _run(search: Search, measure: str, cache: Path, progress: Progress, told: Callable[[Trial], None]) -> list[Trial]:
    tuner = _opened(search)
    oracle = tuner.oracle
    done = (trial for _, trial in sorted(oracle.trials.items()) if trial.status == _COMPLETED)
    trials = [_trial(search, measure, trial) for trial in done]
    for trial in trials:
        told(trial)
    progress.stage(f"tune {search.spec.name}", search.plan.trials)
    while True:
        with _quietly():
            asked = oracle.create_trial(tuner.tuner_id)
        if asked.status == _STOPPED:
            return trials
        values, epochs = _values(search, asked), _epochs(search, asked)
        config = with_values(search.base, {**values, "epochs": epochs})
        tell = partial(_tell, progress, len(trials), search.plan.trials, epochs)
        tell(0)
        reached = validated(search.spec, config, cache, tell)
        with _quietly():
            oracle.update_trial(asked.trial_id, {_OBJECTIVE: reached})
            asked.status = _COMPLETED
            oracle.end_trial(asked)
            tuner.save()
        trials.append(_trial(search, measure, oracle.get_trial(asked.trial_id)))
        told(trials[-1])
        progress.at(len(trials))


def _tell(progress: Progress, done: int, trials: int, epochs: int, epoch: int) -> None:
    progress.at(done, f"trial {done + 1}/{trials}, epoch {epoch}/{epochs}")


def validated(spec: ModelSpec, config: TrainConfig, cache: Path, at_epoch: Callable[[int], None]) -> float:
    """How good a network is on the validation rows that is trained on the other training rows."""
    import keras

    keras.utils.clear_session()  # else every network before would stay in memory
    recipe = make_trial_recipe(spec, config, cache, _Unheard())
    model, _ = fresh_model(spec, config, recipe)
    for epoch in range(config.epochs):
        fit_epoch(config, model, recipe, epoch, lambda _step: None)
        at_epoch(epoch + 1)
    return score(recipe, model)


def score(recipe: TrainingRecipe, model: "keras.Model") -> float:
    """By the recipe's own measure, or by accuracy."""
    if isinstance(recipe, JudgingRecipe):
        return recipe.judged(model)
    inputs, targets = recipe.held_out()
    truth = targets.argmax(axis=1) if targets.ndim == 2 else targets
    return float(np.mean(predicted(model, inputs, recipe.pad).argmax(axis=1) == truth))


class _Unheard:
    """A `Progress` that nobody follows: the data is there already."""

    def stage(self, name: str, total: int) -> None:
        pass

    def at(self, done: int, detail: str = "") -> None:
        pass


def _opened(search: Search) -> Any:
    """keras-tuner's side of the search, with all that was tried before. Raises `NotASearchError`."""
    from keras_tuner.engine.base_tuner import BaseTuner

    with _quietly():
        oracle = _oracle(search.plan, search.base.seed)
        oracle.verbose = 0
        try:
            tuner = BaseTuner(oracle, directory=str(search.path), project_name=_PROJECT)
        except Exception as exc:  # whatever its own files lack, it has a type for none of it
            raise NotASearchError(
                search.path, f"what keras-tuner wrote in {_PROJECT} cannot be read ({exc!r})"
            ) from exc
        tuner.save()
    return tuner


def _oracle(plan: Plan, seed: int) -> Any:
    import keras_tuner

    common = {
        "objective": keras_tuner.Objective(_OBJECTIVE, "max"),
        "hyperparameters": _hyperparameters(plan.space),
        "allow_new_entries": False,
        "tune_new_entries": False,
        "seed": seed + 1,  # 0 would mean any
    }
    match plan.method:
        case "random":
            return keras_tuner.oracles.RandomSearchOracle(max_trials=plan.trials, **common)
        case "bayesian":
            return keras_tuner.oracles.BayesianOptimizationOracle(max_trials=plan.trials, **common)
        case "hyperband":
            oracle = keras_tuner.oracles.HyperbandOracle(max_epochs=plan.max_epochs, **common)
            oracle.max_trials = plan.trials  # it knows no such bound of its own
            return oracle


def _hyperparameters(space: Space) -> "keras_tuner.HyperParameters":
    import keras_tuner

    parameters = keras_tuner.HyperParameters()
    for key, dimension in space.items():
        if isinstance(dimension, Choices):
            parameters.Choice(key, list(dimension.choices))
        elif isinstance(dimension.low, int) and isinstance(dimension.high, int):
            parameters.Int(key, dimension.low, dimension.high, sampling=dimension.scale)
        else:
            parameters.Float(key, float(dimension.low), float(dimension.high), sampling=dimension.scale)
    return parameters


def _trial(search: Search, measure: str, trial: Any) -> Trial:
    return Trial(int(trial.trial_id) + 1, _values(search, trial), _epochs(search, trial), float(trial.score), measure)


def _values(search: Search, trial: Any) -> Mapping[str, Value]:
    """To four digits: what is more is chance, and a preset is read by people."""
    found = {key: trial.hyperparameters.values[key] for key in search.plan.space}
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in found.items()}


def _epochs(search: Search, trial: Any) -> int:
    return int(trial.hyperparameters.values.get(_EPOCHS, search.plan.max_epochs))


@contextmanager
def _quietly() -> Iterator[None]:
    """keras-tuner prints to standard output, and warns of its own ways."""
    with redirect_stdout(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
