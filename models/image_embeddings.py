"""`image-embeddings`: a picture to a vector, near those of pictures that look alike: EfficientNet-Lite0."""

from typing import TYPE_CHECKING

from models import imagenet
from models.efficientnet_lite import LITE0, EfficientNetLite, efficientnet_lite
from models.spec import ModelConfig, ModelSpec, Origin
from processing.spec import ImageSpec, Resize

if TYPE_CHECKING:
    import keras


class ImageEmbeddingsConfig(ModelConfig):
    """Nothing can be set but the seed of the evaluation."""


def build(_config: ImageEmbeddingsConfig) -> "keras.Model":
    """uint8 `[batch, 224, 224, 3]`, RGB, to float `[batch, 1280]`, at length 1."""
    return embedding_network(LITE0)


def embedding_network(shape: EfficientNetLite) -> "keras.Model":
    """uint8 `[batch, side, side, 3]`, RGB, to float `[batch, head]` at length 1: the mean of the last feature maps over
    the picture, which the layer of the labels would have read."""
    import keras
    from keras import ops

    network = efficientnet_lite(shape, "image_embeddings")
    vector = ops.normalize(network.get_layer("pool").output, axis=-1)
    return keras.Model(network.inputs[0], vector, name="image_embeddings")


def processing(_config: ImageEmbeddingsConfig) -> ImageSpec:
    """As its network was trained, but that the borders of the square are seen, too: what is to be found again may be
    anywhere."""
    resize = Resize(crop=1.0, interpolation="bicubic")
    return ImageSpec(form="photo", height=LITE0.side, width=LITE0.side, channels=3, resize=resize)


SPEC = ModelSpec(
    name="image-embeddings",
    task="image-feature-extraction",
    description="A picture becomes 1,280 numbers; pictures that look alike lie near each other, by the cosine.",
    intended_use=(
        "Finding pictures that show the same or something like it: copies that were cut, reduced or compressed, things "
        "of one kind, clusters. A gallery of the gateway keeps the vectors and searches them."
    ),
    limits=(
        "It was trained to tell the thousand things of ImageNet apart, and sees what helps with that: kinds of things, "
        "textures, colours. It reads no text, and knows no persons: not for telling faces apart.",
        "It sees the largest square in the middle of a picture, in 224×224 pixels: what is small is missed, and of a "
        "long picture the ends are.",
        "How near is near depends on the pictures: look at what is found in your own before you choose a least "
        "similarity.",
        "A picture that lies on its side, or is mirrored, is another one to some degree.",
        "Its pictures were found on the Web before 2012, most of them from North America and Europe; things of other "
        "places it knows less well. It has no defence against pictures that were changed to deceive it.",
    ),
    labels=(),
    origins=(
        imagenet.SPEC.origins[0],
        *imagenet.SPEC.origins[2:],
        Origin(
            licence="MIT",
            source="Fashion-MNIST, pictures of the evaluation, from the Debian package dataset-fashion-mnist",
            attribution="H. Xiao, K. Rasul, R. Vollgraf, Zalando SE: Fashion-MNIST, 2017",
        ),
    ),
    config=ImageEmbeddingsConfig,
    build=build,
    processing=processing,
    explain="a vector has no label that could be explained",
)
