"""The fast gradient sign method: steps as long as they say, and against the model."""

from typing import Any

import numpy as np
import pytest

from training.adversarial import attack_embeddings, attack_pictures


@pytest.fixture(scope="module")
def pictures() -> Any:
    return np.random.default_rng(1).integers(60, 200, (300, 4, 4, 1), np.uint8)


def test_pictures_are_changed_by_the_sign_of_the_gradient(pictures: Any) -> None:
    """A model that is bright or dark: the attack moves every pixel towards the other."""
    import keras

    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4, 4, 1), dtype="uint8"), *layers])
    kernel = np.tile(np.array([[-1.0, 1.0]], np.float32), (16, 1))
    model.layers[-1].set_weights([kernel, -kernel.sum(axis=0) * float(pictures.mean()) / 255])
    truth = model.predict(pictures, verbose=0).argmax(axis=1)
    margin = np.abs(pictures.mean(axis=(1, 2, 3)) - pictures.mean())
    for attack, levels in zip(attack_pictures(model, pictures, truth), (4, 8, 16), strict=True):
        assert attack.strength == f"{levels}/255"
        clear = np.abs(margin - levels) > 0.1
        assert (attack.right[clear] == (margin > levels)[clear]).all()


def test_word_vectors_are_attacked_and_padding_is_left_alone() -> None:
    import keras

    from models.sentiment import SPEC, SentimentConfig
    from training.config import load_config
    from training.sentiment_training import LexiconTraining

    keras.utils.set_random_seed(1)
    config = load_config(SPEC, None, ["vocabulary=50", "pair_buckets=64"])
    assert isinstance(config, SentimentConfig)
    model = SPEC.build(config)
    embedded = LexiconTraining(config, {}).embedded(model)
    ids = np.random.default_rng(1).integers(1, 50, (300, 6)).astype(np.int32)
    ids[:, 4:] = 0
    truth = model.predict(ids, verbose=0).argmax(axis=1)
    attacks = attack_embeddings(embedded, ids, truth)
    assert {attack.name for attack in attacks} == {"FGSM on 33 numbers a token"}
    shares = [float(attack.right.mean()) for attack in attacks]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 1
    padded = attack_embeddings(embedded, np.pad(ids, ((0, 0), (0, 5))), truth)
    assert [float(attack.right.mean()) for attack in padded] == shares
