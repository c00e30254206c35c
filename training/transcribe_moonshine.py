"""The recipe of `transcribe-moonshine`: published weights, measured as those of `transcribe` are."""

from pathlib import Path

from models.moonshine import fill_moonshine
from models.transcribe_moonshine import MoonshineConfig, processing, transcribing
from training.data import moonshine, read_aloud, spoken
from training.progress import Progress
from training.transcribe import Hearing, Published, TranscribeRecipe

TINY = Published("Moonshine tiny", (moonshine.WEIGHTS, moonshine.TOKENIZER), moonshine.tiny, fill_moonshine)


def make(config: MoonshineConfig, cache: Path, progress: Progress, tokenizer: str | None) -> TranscribeRecipe:
    progress.stage("fetch Moonshine and recordings", 1)
    recorded, readings = spoken.load(cache), read_aloud.load(cache, progress, config.seed)
    weights = TINY.weights(cache, config.hearing.size)
    tokenizer = tokenizer or moonshine.tokenizer(cache)
    return TranscribeRecipe(config, hearing_of(config), recorded, weights, tokenizer, readings=readings)


def hearing_of(config: MoonshineConfig) -> Hearing:
    return Hearing(processing(config), lambda model: transcribing(model, config))
