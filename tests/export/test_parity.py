"""An export is refused when training, gateway and graph do not give the model the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import export.raw.audio
import export.raw.digit_form
import export.raw.image
import processing.request
from export.errors import ParityError
from export.trained import Trained
from export.version import export_version
from kmaas.stages import trained
from processing.audio import decode as decode_audio
from processing.image import Pixels, decode
from processing.wav import Samples
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support import tones
from training.run import Run


@pytest.fixture(scope="module")
def digits(runs: Callable[[str], Run]) -> Run:
    return runs("digits")


@pytest.fixture(scope="module")
def sentiment(runs: Callable[[str], Run]) -> Run:
    return runs("sentiment")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return tones.trained(tmp_path_factory.mktemp("tones"))


def test_the_figures_are_in_the_manifest_and_beside_it(run: Run, exported: Path) -> None:
    version = VersionDir(exported)
    training, graph = Manifest.read(version.manifest).parity
    assert (training.between, graph.between) == (("training", "gateway"), ("gateway", "raw"))
    for parity in (training, graph):
        assert parity.inputs == len(run.evaluated.examples()) >= 64
        assert parity.mean <= parity.largest <= parity.allowed
    document = json.loads(version.parity.read_bytes())
    assert [entry["between"] for entry in document] == [["training", "gateway"], ["gateway", "raw"]]
    for entry in document:
        assert entry["by_input"].keys() == {example.name for example in run.evaluated.examples()}


def test_swapped_colours_in_the_gateway_are_refused(
    digits: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(data: bytes, *, max_pixels: int) -> Pixels:
        return np.ascontiguousarray(decode(data, max_pixels=max_pixels)[..., ::-1])

    monkeypatch.setattr(processing.request, "decode", swapped)
    message = (
        r"^training and gateway preprocessing differ by [\d.]+ levels on average and by \d+ at most, in digit-\d-[16] "
        r"\(\d+ of its 784 numbers\); expected at most 1 and 8; nothing was exported$"
    )
    with pytest.raises(ParityError, match=message):
        export_version(trained(digits), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_swapped_colours_in_the_graph_are_refused(digits: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right: Callable[[Any], Any] = export.raw.digit_form.digit_form
    monkeypatch.setattr(export.raw.image, "FORMS", {"digit": lambda _: lambda picture: right(picture[:, :, ::-1])})
    with pytest.raises(ParityError, match=r"^gateway and raw preprocessing differ by .* in digit-\d-[16] "):
        export_version(trained(digits), tmp_path / "export")


def test_a_picture_that_only_the_graph_refuses_is_refused(
    digits: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.raw.digit_form, "MIN_CONTRAST", 300)
    with pytest.raises(
        ParityError, match=r"^raw preprocessing refuses what the gateway takes: assertion failed: \[the"
    ):
        export_version(trained(digits), tmp_path / "export")


def test_a_tokenizer_without_its_lower_casing_is_refused(sentiment: Run, tmp_path: Path) -> None:
    document = json.loads(sentiment.tokenizer() or "")
    parts = document["normalizer"]["normalizers"]
    document["normalizer"]["normalizers"] = [part for part in parts if part["type"] != "Lowercase"]
    changed = replace(trained(sentiment), tokenizer=json.dumps(document))
    message = (
        r"^training and gateway preprocessing differ by [\d.]+ token ids on average and by \d+ at most, in \w+-\d+ "
        r"\(\d+ of its \d+ numbers\); expected at most 0 and 0"
    )
    with pytest.raises(ParityError, match=message):
        export_version(changed, tmp_path / "export")


def test_a_form_of_another_shape_is_refused(digits: Run, tmp_path: Path) -> None:
    grown = replace(trained(digits), inputs=np.zeros((len(digits.evaluated.examples()), 32, 32, 1), np.uint8))
    with pytest.raises(ParityError, match=r"digit-0-0: shapes \(32, 32, 1\) and \(28, 28, 1\)"):
        export_version(grown, tmp_path / "export")


def test_examples_and_inputs_of_two_evaluations_are_refused(digits: Run, tmp_path: Path) -> None:
    with pytest.raises(ParityError, match="70 examples and 69 inputs for them; measure it again with kmaas evaluate"):
        export_version(replace(trained(digits), inputs=digits.evaluated.inputs()[1:]), tmp_path / "export")


def test_a_version_whose_tokenizer_has_no_twin_in_the_graph_goes_without_raw_and_says_why(
    sentiment: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import tensorflow as tf

    document = json.loads(sentiment.tokenizer() or "")
    mask = {"id": len(document["model"]["vocab"]), "content": "[MASK]", "special": True}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    document["added_tokens"] = [mask | flags]
    strange = replace(trained(sentiment), tokenizer=json.dumps(document))
    export_version(strange, tmp_path / "export", runtime="saved_model")
    manifest = Manifest.read(VersionDir(tmp_path / "export").manifest)
    assert manifest.absent.keys() == {"raw"}
    assert manifest.absent["raw"].startswith("its added token '[MASK]' outside its vocabulary")
    assert "the version goes without the signature raw: its added token" in caplog.text
    assert manifest.signatures.keys() == {"serving_default", "manifest", "explain"}
    assert tf.saved_model.load(str(tmp_path / "export")).signatures.keys() == manifest.signatures.keys()
    assert [parity.between for parity in manifest.parity] == [("training", "gateway")]


def test_recordings_are_compared_by_their_samples(recordings: Trained, tmp_path: Path) -> None:
    export_version(recordings, tmp_path / "export", runtime="saved_model")
    training, graph = Manifest.read(VersionDir(tmp_path / "export").manifest).parity
    assert (training.between, graph.between) == (("training", "gateway"), ("gateway", "raw"))
    for parity in (training, graph):
        assert (parity.inputs, parity.unit, parity.allowed) == (72, "of full scale", 1e-6)
        assert parity.mean <= parity.largest <= 1e-6


def test_samples_of_another_scale_in_the_gateway_are_refused(
    recordings: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the greatest number of 16 bits, as others have it."""

    def scaled(data: bytes, *, sample_rate: int, max_seconds: float) -> Samples:
        return decode_audio(data, sample_rate=sample_rate, max_seconds=max_seconds) * np.float32(2**15 / (2**15 - 1))

    monkeypatch.setattr(processing.request, "decode_audio", scaled)
    message = (
        r"^training and gateway preprocessing differ by [\d.]+e-06 of full scale on average and by [\d.]+e-05 at most, "
        r"in \w+-\d+ \(\d+ of its \d+ numbers\); expected at most 1e-07 and 1e-06; nothing was exported$"
    )
    with pytest.raises(ParityError, match=message):
        export_version(recordings, tmp_path / "export")


def test_the_first_channel_only_in_the_graph_is_refused(
    recordings: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.raw.audio, "mono", lambda frames: frames[:, 0])
    message = (
        r"^gateway and raw preprocessing differ by 0\.\d+ of full scale on average and by 0\.\d+ at most, in "
        r"\w+-\d+ \(\d+ of its \d+ numbers\)"
    )
    with pytest.raises(ParityError, match=message):
        export_version(recordings, tmp_path / "export")


def test_a_recording_that_only_the_graph_refuses_is_refused(
    recordings: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.raw.audio, "MAX_SECONDS", 0.1)
    message = r"^raw preprocessing refuses what the gateway takes: assertion failed: \[the recording lasts 0\.\d+ s; at"
    with pytest.raises(ParityError, match=message):
        export_version(recordings, tmp_path / "export")
