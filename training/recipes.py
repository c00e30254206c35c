"""The recipe of every model of the catalogue, in one table."""

from pathlib import Path

from models.spec import ModelSpec, TrainConfig
from training.data import mnist, rated_texts
from training.digits import DigitsRecipe
from training.progress import Progress
from training.recipe import Recipe, RecipeMaker
from training.sentiment import SentimentRecipe

RECIPES = {
    "digits": RecipeMaker(mnist.SHA256, DigitsRecipe.make, DigitsRecipe.for_trials),
    "sentiment": RecipeMaker(rated_texts.PACKAGE.sha256, SentimentRecipe.make, SentimentRecipe.for_trials),
}


def make_recipe(
    spec: ModelSpec, config: TrainConfig, cache: Path, progress: Progress, tokenizer: str | None = None
) -> Recipe:
    return RECIPES[spec.name].make(config, cache, progress, tokenizer)
