"""Trains a run to its end, from wherever it stands; or imports the weights of one that is not trained here."""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.example import Example, HeldOutRows, kept_of
from models.language import at_all_places
from models.spec import LanguageConfig, ModelSpec, PatientConfig, TrainConfig
from models.traced import traced
from processing.request import preprocessing
from training.batches import lengths_of, trimmed
from training.environment import environment
from training.errors import OutdatedRunError
from training.fingerprint import changed, fingerprint
from training.plots import draw
from training.precision import multiplying_in
from training.progress import Progress
from training.recipe import Array, AugmentingRecipe, Recipe, TrainingRecipe, UpperRecipe
from training.recipes import make_recipe
from training.run import EpochLine, Run, settle
from training.stopping import best_epoch, has_ended

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_WEIGHTS = ".weights.h5"
_BEST = "best-"  # and the epoch, of a training that may end early
_SAMPLE = 512  # rows
_HELD_OUT_ROWS = 256  # together


def train(run: Run, cache: Path, progress: Progress) -> None:
    """Trains the epochs that are missing, or imports the weights, and evaluates. An interruption loses at most the
    epoch it falls into.

    Raises:
        RunBusyError: another process trains this run.
        OutdatedRunError: epochs are missing, and configuration, code or data are no longer those it was begun with.
        TrainingError: the data cannot be had.
    """
    with run.exclusive():
        if not run.weights.exists() and (other := changed(run.fingerprint, fingerprint(run.spec, run.config))):
            raise OutdatedRunError(run.path, other, run.spec.name)
        recipe = make_recipe(run.spec, run.config, cache, progress, run.tokenizer())
        if not run.weights.exists():
            match run.config, recipe:
                case TrainConfig() as config, TrainingRecipe() as to_fit:
                    _fit(run, config, to_fit, progress)
                case _:
                    _import(run, recipe, progress)
        _evaluate(run, recipe, progress)


def evaluate(run: Run, cache: Path, progress: Progress) -> None:
    """Measures a trained run again, and writes what `train` wrote at its end."""
    with run.exclusive():
        _evaluate(run, make_recipe(run.spec, run.config, cache, progress, run.tokenizer()), progress)


def load_model(run: Run) -> "keras.Model":
    """The run's network with its finished weights."""
    model = run.spec.build(run.config)
    model.load_weights(run.weights)
    model.jit_compile = False  # XLA would compile it anew for each number of rows and each length
    return model


def _import(run: Run, recipe: Recipe, progress: Progress) -> None:
    progress.stage(f"import {run.spec.name}", 1)
    _begin(run, recipe)
    model = run.spec.build(run.config)
    recipe.prepare(model)
    _keep(run, model)


def _fit(run: Run, config: TrainConfig, recipe: TrainingRecipe, progress: Progress) -> None:
    model, steps = fresh_model(run.spec, config, recipe)
    done = _restore(run, model)
    if done == 0:
        _begin(run, recipe)
    followed = recipe.followed() if isinstance(recipe, UpperRecipe) else recipe.held_out()
    held_out = _fed(*_sorted(*followed, recipe.pad), _HELD_OUT_ROWS, recipe.pad)
    progress.stage(f"train {run.spec.name}", config.epochs * steps)
    for epoch in range(done, config.epochs):
        if _ended(run, config):
            break
        started, cpu_before = time.monotonic(), _cpu_seconds()
        loss = fit_epoch(config, model, recipe, epoch, partial(_tell, progress, epoch * steps))
        held_out_loss = model.evaluate(**held_out, verbose=0)
        seconds, cpu_seconds = round(time.monotonic() - started, 3), round(_cpu_seconds() - cpu_before, 3)
        line = EpochLine(epoch + 1, loss, held_out_loss, seconds, cpu_seconds)
        _checkpoint(run, model, line, keep_best=isinstance(config, PatientConfig))
        detail = f"epoch {epoch + 1}/{config.epochs}, loss {loss:.4f}, held out {held_out_loss:.4f}"
        progress.at((epoch + 1) * steps, detail)
    _finish(run, recipe, model)


def _ended(run: Run, config: TrainConfig) -> bool:
    """Before its last epoch, because nothing was gained any more."""
    losses = [line.held_out_loss for line in run.epochs()]
    return isinstance(config, PatientConfig) and has_ended(losses, config.patience)


def _cpu_seconds() -> float:
    """Of this process and all its threads, and of the children it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _begin(run: Run, recipe: Recipe) -> None:
    """Writes with what the weights are trained: before the first epoch, and never after it."""
    run.write_json("environment.json", environment() | {"data": recipe.facts.model_dump()})
    if recipe.tokenizer is not None:
        run.write("tokenizer.json", recipe.tokenizer)
    if recipe.chat_template is not None:
        run.write("chat_template.jinja", recipe.chat_template)


def fresh_model(spec: ModelSpec, config: TrainConfig, recipe: TrainingRecipe) -> tuple["keras.Model", int]:
    """A network as it is before its first epoch, compiled, and the steps of an epoch. A language model learns of every
    token of a row, not of the last alone; of one whose lower layers are frozen, it is those above."""
    import keras

    keras.utils.set_random_seed(config.seed)
    with multiplying_in(config.precision):
        model = spec.build(config)
    recipe.prepare(model)
    if isinstance(config, LanguageConfig):
        model = at_all_places(model)
    if isinstance(recipe, UpperRecipe):
        model = recipe.upper(model)
    steps = -(-recipe.facts.training_rows // config.batch_size)
    model.compile(_optimizer(config, steps), recipe.loss(), jit_compile=False)  # XLA is slower for CNNs on a CPU
    return model, steps


def fit_epoch(
    config: TrainConfig, model: "keras.Model", recipe: TrainingRecipe, epoch: int, at_step: Callable[[int], None]
) -> float:
    """One pass over the data, its order and its noise given by seed and epoch alone. Returns the mean loss."""
    import keras

    if epoch == 0 and isinstance(recipe, UpperRecipe):
        model.optimizer.build(model.trainable_variables)  # or a checkpoint would lack its state
        return recipe.fit_head(model)
    steps = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, **_logs: at_step(step + 1))
    for layer in model._flatten_layers():  # noqa: SLF001 (those inside of others are told nowhere else)
        if isinstance(layer, keras.layers.Dropout) and layer.rate:  # its state is not in a checkpoint
            layer.seed_generator.state.assign((config.seed, epoch))
    given = _fed(*recipe.epoch(epoch), config.batch_size, recipe.pad)
    if isinstance(recipe, AugmentingRecipe):
        given = {"x": recipe.augmented(batched(**given), epoch)}
    history = model.fit(**given, shuffle=False, verbose=0, callbacks=[steps])
    return float(history.history["loss"][0])


def _sorted(inputs: Array, targets: Array, pad: int | None) -> tuple[Array, Array]:
    """Rows of like length beside each other, where that saves padding."""
    if pad is None:
        return inputs, targets
    order = np.argsort(lengths_of(inputs, pad), kind="stable")
    return inputs[order], targets[order]


def _fed(inputs: Array, targets: Array, size: int, pad: int | None) -> dict[str, Any]:
    """What Keras' `fit` and `evaluate` are given."""
    if pad is None:
        return {"x": inputs, "y": targets, "batch_size": size}
    return {"x": trimmed(inputs, targets, size, pad)}


def batched(x: Array, y: Array, batch_size: int) -> "tf.data.Dataset":
    """Rows in their order, before they are changed on their way."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)


def _tell(progress: Progress, before: int, step: int) -> None:
    progress.at(before + step)


def _optimizer(config: TrainConfig, steps: int) -> "keras.optimizers.Optimizer":
    import keras

    rates, decay = config.learning_rate, config.weight_decay or None
    kind: Callable[..., keras.optimizers.Optimizer]
    match config.optimizer:
        case "adam":
            kind, first = keras.optimizers.Adam, rates.adam
        case "sgd":
            kind, first = keras.optimizers.SGD, rates.sgd
        case "muon":
            first = rates.muon or rates.adam
            kind = partial(keras.optimizers.Muon, adam_lr_ratio=rates.adam / first, adam_weight_decay=None)
    climb = int(config.warm_up * config.epochs * steps)
    fall = config.epochs * steps - climb
    rate = (
        keras.optimizers.schedules.CosineDecay(0.0, fall, warmup_target=first, warmup_steps=climb)
        if climb
        else keras.optimizers.schedules.CosineDecay(first, fall)
    )
    return kind(rate, weight_decay=decay)


def _checkpoint(run: Run, model: "keras.Model", line: EpochLine, *, keep_best: bool) -> None:
    """Keeps weights and optimiser of a finished epoch, and with `keep_best` those of the best one, too. The rename is
    what makes it count: until then nothing older goes."""
    with run.metrics.open("a") as metrics:
        metrics.write(json.dumps(asdict(line)) + "\n")
    run.checkpoint.mkdir(exist_ok=True)
    partial = run.checkpoint / f"partial{_WEIGHTS}"
    model.save_weights(partial, overwrite=True)
    older = [*_checkpoints(run).values()]
    if keep_best and best_epoch([known.held_out_loss for known in run.epochs()]) == line.epoch:
        older += run.checkpoint.glob(f"{_BEST}*{_WEIGHTS}")
        best = run.checkpoint / f"{_BEST}{line.epoch}{_WEIGHTS}"
        shutil.copyfile(partial, best.with_name(f".{best.name}"))
        settle(best.with_name(f".{best.name}"), best)
        older = [path for path in older if path != best]
    settle(partial, run.checkpoint / f"{line.epoch}{_WEIGHTS}")
    for path in older:
        path.unlink()


def _checkpoints(run: Run) -> dict[int, Path]:
    stems = {path: path.name.removesuffix(_WEIGHTS) for path in run.checkpoint.glob(f"*{_WEIGHTS}")}
    return {int(stem): path for path, stem in stems.items() if stem.isdecimal()}


def _restore(run: Run, model: "keras.Model") -> int:
    """Loads the last checkpoint, forgets the lines of epochs it does not have, returns how many epochs are done."""
    kept = _checkpoints(run)
    done = max(kept, default=0)
    if done:
        model.optimizer.build(model.trainable_variables)  # or its state would be passed over
        model.load_weights(kept[done])
    lines = run.metrics.read_text().splitlines(keepends=True) if run.metrics.exists() else []
    run.write(run.metrics.name, "".join(lines[:done]))
    return done


def _finish(run: Run, recipe: TrainingRecipe, model: "keras.Model") -> None:
    """Writes the weights without the optimiser's, of the best epoch where that was kept."""
    best = run.checkpoint / f"{_BEST}{best_epoch([line.held_out_loss for line in run.epochs()])}{_WEIGHTS}"
    if best.exists():
        model.load_weights(best)
    plain = run.spec.build(run.config)
    if isinstance(recipe, UpperRecipe):
        recipe.prepare(plain)
        for layer in (layer for layer in model.layers if layer.weights):
            plain.get_layer(layer.name).set_weights(layer.get_weights())
    else:
        plain.set_weights(model.get_weights())
    _keep(run, plain)


def _keep(run: Run, model: "keras.Model") -> None:
    partial = run.path / f".partial{_WEIGHTS}"
    model.save_weights(partial, overwrite=True)
    settle(partial, run.weights)


def _evaluate(run: Run, recipe: Recipe, progress: Progress) -> None:
    """Measures the finished weights. The checkpoint has no use beside them and goes."""
    if run.checkpoint.exists():
        shutil.rmtree(run.checkpoint)
    model = load_model(run)
    measured = recipe.evaluate(model, progress)
    evaluation = measured.evaluation
    examples, inputs = recipe.examples()
    answered = _answered(run, model, recipe.tokenizer, examples)
    with run.evaluating() as evaluated:
        draw(evaluated.plots, run.epochs(), measured)
        evaluated.write(evaluation, measured.held_out, answered, inputs, _sample(recipe), contents=run.contents())
    progress.at(1, f"accuracy {evaluation.accuracy:.4f} on {evaluation.rows} held-out rows")


def _answered(run: Run, model: "keras.Model", tokenizer: str | None, examples: Sequence[Example]) -> list[Example]:
    """With what the model answers to each, by the preprocessing of the gateway."""
    preprocess, predict = preprocessing(run.spec.processing(run.config), tokenizer), traced(model)
    answered = []
    for example in examples:
        answer = predict(preprocess(example.body))[0]
        answered.append(example.model_copy(update={"answer": tuple(map(float, kept_of(answer)))}))
    return answered


def _sample(recipe: Recipe) -> HeldOutRows:
    inputs, targets = recipe.held_out()
    if targets.ndim == 3:  # boxes: nothing that an export verifies on rows is asked of them
        return HeldOutRows(inputs[:0], np.zeros(0, np.int32))
    if np.issubdtype(targets.dtype, np.integer):
        truth = targets if targets.ndim == 1 else targets[:, -1]  # of a token at every place the last one
    else:
        truth = targets.argmax(axis=1)
    return HeldOutRows(inputs, truth.astype(np.int32)).thinned(_SAMPLE)
