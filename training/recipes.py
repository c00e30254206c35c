"""The recipe of every entry of the catalogue, in one table."""

from pathlib import Path

from models.spec import ModelConfig, ModelSpec, TrainConfig
from training import speech_checkpoint, transcribe_moonshine
from training.audio_classifier import AudioClassifierRecipe
from training.chat import ChatRecipe
from training.checkpoint import CheckpointRecipe
from training.commands import CommandsRecipe, data_sha256
from training.data import (
    centernet,
    efficientnet,
    face_networks,
    interface_texts,
    minilm,
    newsgroups,
    paraphrases,
    photographs,
    portraits,
    rated_texts,
    shakespeare,
    smollm2,
    spoken,
    ssd_mobilenet,
)
from training.data.fashion_mnist import FASHION_MNIST
from training.data.mnist import MNIST
from training.detect import DetectRecipe
from training.digits import DigitsRecipe
from training.embeddings import EmbeddingsRecipe
from training.errors import UntunedError
from training.faces import FacesRecipe
from training.fashion import FashionRecipe
from training.image_classifier import ImageClassifierRecipe
from training.image_embeddings import ImageEmbeddingsRecipe
from training.imagenet import ImagenetRecipe
from training.picture_checkpoint import PictureCheckpointRecipe
from training.progress import Progress
from training.recipe import Recipe, RecipeMaker, TrainingRecipe
from training.sentiment import SentimentRecipe
from training.text_classifier import TextClassifierRecipe
from training.topics import TopicsRecipe
from training.transcribe import BASE, TINY_EN, TranscribeRecipe
from training.translation import TranslationRecipe
from training.wardrobe import WardrobeRecipe
from training.writer import WriterRecipe

RECIPES = {
    "digits": RecipeMaker(MNIST.sha256, DigitsRecipe.make, DigitsRecipe.for_trials),
    "fashion-resnet": RecipeMaker(FASHION_MNIST.sha256, FashionRecipe.make, FashionRecipe.for_trials),
    "fashion-vgg": RecipeMaker(FASHION_MNIST.sha256, FashionRecipe.make, FashionRecipe.for_trials),
    "sentiment": RecipeMaker(rated_texts.PACKAGE.sha256, SentimentRecipe.make, SentimentRecipe.for_trials),
    "sentiment-minilm": RecipeMaker(
        f"{rated_texts.PACKAGE.sha256} {minilm.PACKAGE.sha256}", SentimentRecipe.make, SentimentRecipe.for_trials
    ),
    "sentiment-neutral": RecipeMaker(
        f"{rated_texts.PACKAGE.sha256} {minilm.PACKAGE.sha256}", SentimentRecipe.make, SentimentRecipe.for_trials
    ),
    "embeddings": RecipeMaker(minilm.PACKAGE.sha256, EmbeddingsRecipe.make, None),
    "imagenet": RecipeMaker(f"{efficientnet.PACKAGE.sha256} {photographs.PACKAGE.sha256}", ImagenetRecipe.make, None),
    "imagenet-checkpoint": RecipeMaker(photographs.PACKAGE.sha256, PictureCheckpointRecipe.make, None),
    "image-embeddings": RecipeMaker(
        f"{efficientnet.PACKAGE.sha256} {photographs.PACKAGE.sha256} {FASHION_MNIST.sha256}",
        ImageEmbeddingsRecipe.make,
        None,
    ),
    "text-classifier": RecipeMaker("of the configuration", TextClassifierRecipe.make, None),
    "image-classifier": RecipeMaker("of the configuration", ImageClassifierRecipe.make, None),
    "audio-classifier": RecipeMaker("of the configuration", AudioClassifierRecipe.make, None),
    "topics": RecipeMaker(newsgroups.PACKAGE.sha256, TopicsRecipe.make, None),
    "chat": RecipeMaker(smollm2.PACKAGE.sha256, ChatRecipe.make, None),
    "chat-checkpoint": RecipeMaker(shakespeare.PACKAGE.sha256, CheckpointRecipe.make, None),
    "transcribe": RecipeMaker(TINY_EN.sha256, TranscribeRecipe.make, None),
    "transcribe-base": RecipeMaker(BASE.sha256, TranscribeRecipe.make, None),
    "transcribe-moonshine": RecipeMaker(transcribe_moonshine.TINY.sha256, transcribe_moonshine.make, None),
    "transcribe-checkpoint": RecipeMaker(spoken.PACKAGE.sha256, speech_checkpoint.make, None),
    "transcribe-moonshine-checkpoint": RecipeMaker(spoken.PACKAGE.sha256, speech_checkpoint.make, None),
    "commands": RecipeMaker(data_sha256(), CommandsRecipe.make, None),
    "writer": RecipeMaker(WriterRecipe.sha256, WriterRecipe.make, WriterRecipe.for_trials),
    "en-es": RecipeMaker(paraphrases.PACKAGE.sha256, TranslationRecipe.english_spanish, None),
    "en-fr": RecipeMaker(
        f"{interface_texts.LIBREOFFICE['fr'].sha256} {interface_texts.GIMP.sha256}",
        TranslationRecipe.english_french,
        None,
    ),
    "detect": RecipeMaker(f"{centernet.PACKAGE.sha256} {photographs.PACKAGE.sha256}", DetectRecipe.make, None),
    "faces": RecipeMaker(
        " ".join(package.sha256 for package in (face_networks.DETECTOR_PACKAGE, *portraits.PACKAGES)),
        FacesRecipe.make,
        None,
    ),
    "wardrobe": RecipeMaker(
        f"{FASHION_MNIST.sha256} {photographs.PACKAGE.sha256}", WardrobeRecipe.make, WardrobeRecipe.for_trials
    ),
    "detect-ssd": RecipeMaker(f"{ssd_mobilenet.PACKAGE.sha256} {photographs.PACKAGE.sha256}", DetectRecipe.make, None),
    "translation": RecipeMaker("of the configuration", TranslationRecipe.pair, None),
}


def make_recipe(
    spec: ModelSpec, config: ModelConfig, cache: Path, progress: Progress, tokenizer: str | None = None
) -> Recipe:
    return RECIPES[spec.entry].make(config, cache, progress, tokenizer)


def make_trial_recipe(spec: ModelSpec, config: TrainConfig, cache: Path, progress: Progress) -> TrainingRecipe:
    """See `RecipeMaker`. Raises `UntunedError` for a model that has none."""
    for_trials = RECIPES[spec.entry].for_trials
    if for_trials is None:
        raise UntunedError(spec.name)
    return for_trials(config, cache, progress)


def check_tunable(spec: ModelSpec) -> None:
    """Raises `UntunedError` for a model that is trained here, but of which no trials can be made."""
    if issubclass(spec.config, TrainConfig) and RECIPES[spec.entry].for_trials is None:
        raise UntunedError(spec.name)
