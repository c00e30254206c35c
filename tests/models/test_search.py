"""The loop that writes translations, against the same search in numpy over the network without what it keeps."""

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

from models.search import Search
from models.translation import BEGIN_ID, END_ID, ENGLISH_SPANISH, PAD_ID, PLACE_IDS
from training.config import load_config

VOCABULARY, MOST, BEAMS = 300, 6, 3
SOURCES = np.array([[5, 40, 50, END_ID, 0, 0], [60, 70, 80, 90, 33, END_ID]], np.int32)


@pytest.fixture(scope="module", params=[1, 2], ids=["one layer", "two layers"])
def model(request: pytest.FixtureRequest) -> Any:
    """With one layer, TensorFlow's optimiser once made a loop without a result of it."""
    small = ["vocabulary=300", "width=24", "heads=2", "inner_width=32", "encoder_layers=1", "dropout=0"]
    config = load_config(ENGLISH_SPANISH, None, [*small, f"decoder_layers={request.param}"])
    keras.utils.set_random_seed(1)
    built = ENGLISH_SPANISH.build(config)
    rng = np.random.default_rng(4)
    for weight in built.weights:
        if len(weight.shape) == 2:
            weight.assign(rng.normal(0, 0.5, weight.shape))
    return built


def searched(model: Any, beams: int, source: Any, wanted: Any = None, *, place_ids: tuple[int, ...] = PLACE_IDS) -> Any:
    return _loop(model, beams, place_ids)(source, np.full(len(source), beams, np.int32) if wanted is None else wanted)


@cache
def _loop(model: Any, beams: int, place_ids: tuple[int, ...]) -> Any:
    import tensorflow as tf

    search = Search(end_id=END_ID, place_ids=place_ids, most=MOST, beams=beams)
    given = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
    return tf.function(
        lambda rows, each: search.translate(model.network, rows, each), input_signature=given, autograph=False
    )


def expected(model: Any, beams: int, source: Any) -> tuple[list[int], float]:
    """The best tokens, and the mean of their log-probabilities."""
    source = source[source != PAD_ID]
    barred = [PAD_ID, BEGIN_ID, *(place for place in PLACE_IDS if place not in source)]
    alive: list[tuple[float, list[int], float, bool]] = [(0.0, [], 0.0, False)]
    for _ in range(min(MOST, 2 * len(source) + 8)):
        grown = [beam for beam in alive if beam[3]]
        for _, tokens, total, done in alive:
            if not done:
                before = np.array([[BEGIN_ID, *tokens]], np.int32)
                logits = np.array(model.network.taught(source[np.newaxis], before))[0, -1].astype(np.float64)
                logits[barred] = -1e9
                told = logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
                grown += [
                    ((total + told[token]) / (len(tokens) + 1), [*tokens, token], total + told[token], token == END_ID)
                    for token in range(VOCABULARY)
                ]
        alive = sorted(grown, key=lambda beam: -beam[0])[:beams]
    return alive[0][1], alive[0][0]


@pytest.mark.parametrize("beams", [1, BEAMS])
def test_the_loop_writes_what_the_search_finds(model: Any, beams: int) -> None:
    told = searched(model, beams, SOURCES)
    for row, source in enumerate(SOURCES):
        tokens, mean = expected(model, beams, source)
        assert told["translation"][row].numpy().tolist() == tokens + [PAD_ID] * (MOST - len(tokens))
        assert float(told["score"][row]) == pytest.approx(mean, abs=1e-4)


def test_each_row_is_searched_with_as_many_beams_as_it_wants(model: Any) -> None:
    mixed = searched(model, BEAMS, SOURCES, np.array([1, BEAMS], np.int32))
    alone, all_of_them = searched(model, 1, SOURCES), searched(model, BEAMS, SOURCES)
    assert np.array_equal(mixed["translation"][0], alone["translation"][0])
    assert np.array_equal(mixed["translation"][1], all_of_them["translation"][1])


def test_padding_and_company_change_nothing(model: Any) -> None:
    together = searched(model, BEAMS, np.pad(SOURCES, [(0, 0), (0, 3)]))
    alone = searched(model, BEAMS, SOURCES[:1, :4])
    assert np.array_equal(together["translation"][0], alone["translation"][0])


def test_a_place_is_written_only_where_the_source_has_it(model: Any) -> None:
    first = searched(model, 1, SOURCES)["translation"].numpy()[:, 0]
    freed = searched(model, 1, SOURCES, place_ids=(299,))["translation"].numpy()[:, 0]
    assert np.array_equal(first, freed)
    barred = searched(model, 1, SOURCES, place_ids=tuple(map(int, first)))["translation"].numpy()
    lacking = [[token for token in first if token not in source] for source in SOURCES]
    assert all(lacking)
    assert not any(np.isin(row, tokens).any() for row, tokens in zip(barred, lacking, strict=True))
    named = np.concatenate([SOURCES, np.tile(first, (2, 1))], axis=1)
    assert np.isin(searched(model, 1, named, place_ids=tuple(map(int, first)))["translation"].numpy(), first).any()
