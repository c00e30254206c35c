"""The starter models are as good as promised, by the evaluation of the runs that the stack serves."""

import json
from typing import Any

import pytest

from bench.stack import Stack
from kmaas.config import load_config
from store.layout import Store
from store.manifest import Manifest


def evaluation(stack: Stack, model: str) -> Any:
    manifest = Manifest.read(Store.at(stack.store).version(model).manifest)
    return json.loads((load_config().runs / manifest.run / "evaluation" / "evaluation.json").read_text())


def test_digits(stack: Stack) -> None:
    measured = evaluation(stack, "digits")
    assert measured["rows"] == 10_000
    assert measured["accuracy"] >= 0.99
    assert measured["other_digits_accuracy"] >= 0.85
    assert sum(map(sum, measured["confusion"])) == 10_000
    assert measured["per_class"].keys() == set("0123456789")


def test_sentiment_beats_its_baseline_or_equals_it_within_the_interval(stack: Stack) -> None:
    measured = evaluation(stack, "sentiment")
    low, high = measured["difference_interval"]
    assert low <= measured["accuracy"] - measured["baseline_accuracy"] <= high
    assert high > 0
    assert measured["accuracy"] > measured["majority_accuracy"]
    assert len(measured["by_source"]) == 4


@pytest.mark.parametrize("model", ["digits", "sentiment"])
def test_the_manifest_tells_the_same_figures(stack: Stack, model: str) -> None:
    measured = evaluation(stack, model)
    manifest = stack.get(f"/models/{model}")["manifest"]
    assert manifest["metrics"] == measured["metrics"]
    assert manifest["metrics"][0]["value"] == measured["accuracy"]
    assert manifest["robustness"] == measured["robustness"]["metrics"]
    assert manifest["temperature"] == measured["calibration"]["temperature"]
