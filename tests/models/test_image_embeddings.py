"""The entry `image-embeddings`: what its network answers, and what it sees of a picture."""

from dataclasses import replace

import numpy as np

from models.efficientnet_lite import LITE0, TOP, Stage, efficientnet_lite
from models.image_embeddings import ImageEmbeddingsConfig, embedding_network, processing
from processing.spec import Resize

TINY = replace(LITE0, side=32, stem=8, head=16, stages=(Stage(1, 3, 2, 1, 8), Stage(1, 3, 2, 6, 8)))


def test_a_vector_is_the_direction_of_the_mean_of_the_last_feature_maps() -> None:
    import keras

    model, whole = embedding_network(TINY), efficientnet_lite(TINY, "whole")
    whole.get_layer("top_norm").beta.assign(np.linspace(-1, 5, 16))
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(whole.get_layer(layer.name).get_weights())
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    maps = np.asarray(keras.Model(whole.inputs[0], whole.get_layer(TOP).output)(pictures, training=False))
    mean = maps.mean(axis=(1, 2))
    vectors = np.asarray(model(pictures, training=False))
    assert vectors.shape == (2, 16)
    np.testing.assert_allclose(vectors, mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-5)


def test_the_borders_of_the_square_are_seen() -> None:
    assert processing(ImageEmbeddingsConfig(seed=1)).resize == Resize(crop=1.0, interpolation="bicubic")
