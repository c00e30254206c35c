"""Photographs of clouds, and classifiers measured on them as far as an export needs to know."""

import time
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from export.trained import Evidence, Trained
from kmaas.progress import PlainProgress
from models.spec import ModelConfig, ModelSpec
from training.data.photographs import Photograph
from training.recipe import Recipe

SIZE = (180, 120)


def _photograph(name: str, seed: int, *labels: str) -> Photograph:
    """Coloured clouds."""
    cells = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(cells).resize(SIZE, Image.Resampling.BICUBIC).save(buffer, "PNG")
    return Photograph(name, buffer.getvalue(), labels)


PHOTOS = [_photograph("one", 1, "daisy"), _photograph("two", 2, "palace"), _photograph("three", 3, "tripod")]


def trained_by(recipe: Recipe, spec: ModelSpec, config: ModelConfig, model: Any, folder: Path) -> Trained:
    """As a run leaves it in `folder`."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        model.save_weights(folder / "model.weights.h5")
    measured = recipe.evaluate(model, PlainProgress(lambda _: None, time.monotonic))
    (folder / "evaluation.json").write_text(measured.evaluation.model_dump_json())
    examples, inputs = recipe.examples()
    return Trained(
        spec=spec,
        config=config,
        weights=folder / "model.weights.h5",
        tokenizer=None,
        examples=examples,
        inputs=inputs,
        metrics=measured.evaluation.metrics,
        data_sha256="",
        code_commit="",
        run=f"{spec.name}-of-a-test",
        evidence=Evidence(measured.evaluation, folder / "evaluation.json", measured.held_out, {}, (), {}, {}),
    )
