"""Measures a language model by how well it foretells texts that are held out, token by token."""

import hashlib
import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.language import all_logits
from models.traced import Traced
from processing.request import preprocessing
from processing.spec import LanguageSpec
from processing.tokens import TokenCodec
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.data.prose import Prose, Text, by_kind
from training.disturbance import Sample, robustness, share
from training.disturbed_texts import TEXT_DISTURBANCES
from training.evaluation import Measured
from training.latency import latencies, stacked
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array

if TYPE_CHECKING:
    import keras

EXAMPLES = 64

_TOKENS = 256  # of a window that are foretold, each from those before it in the window
_PROMPT_WORDS = 8
_NEW_TOKENS = 4  # of a golden; each is a call of the model server
_CONTEXT_TOKENS = 24  # of what is disturbed
_DISTURBED_AT = (0, 80, 160)  # of each window
_DISTURBED = 16  # windows
_TOGETHER = 8  # disturbed rows; their logits at all places are in memory
_FILLER = 0  # behind a row's end, where nothing looks at it
_PLACES = {"1st to 16th": (0, 16), "17th to 64th": (16, 64), "65th and later": (64, _TOKENS)}


@dataclass(frozen=True)
class Foretelling:
    """Windows of texts, in tokens. A row of the evaluation is one token, and what was thought most probable there.

    Attributes:
        prose: what is held out is foretold; what a baseline knows, it has of the others.
        count: of windows at most, evenly from all kinds and from all texts of a kind; fewer where more would overlap:
            no token is counted twice.
        seed: of the disturbances.
    """

    prose: Prose
    tokenizer: str
    processing: LanguageSpec
    count: int
    seed: int

    @cached_property
    def codec(self) -> TokenCodec:
        return TokenCodec(self.tokenizer)

    @cached_property
    def windows(self) -> NDArray[np.int32]:
        """`[windows, tokens + 1]`: each token but the first of a window is foretold."""
        return np.array([window for _, window in self._cut], np.int32)

    @cached_property
    def truth(self) -> NDArray[np.int32]:
        return self.windows[:, 1:].ravel()

    @property
    def data(self) -> str:
        return f"{self.truth.size:,} tokens of {self.prose.title}"

    def measure(self, model: "keras.Model", name: str, progress: Progress, *more: Metric) -> Measured:
        """`more` are references beside those that every model has."""
        model.jit_compile = False  # XLA would compile it anew for each length
        logits_of = all_logits(model)
        robust = self._robustness(logits_of, progress)
        progress.stage("read texts", len(self.windows))
        predicted, bits = [], []
        for number, window in enumerate(self.windows, start=1):
            foretold, needed = _foretold(logits_of, window)
            predicted.append(foretold)
            bits.append(needed)
            progress.at(number)
        progress.stage(f"evaluate {name}", 1)
        found = np.concatenate(predicted)
        right = found == self.truth
        told = accuracy("accuracy", right, f"{self.data}: the one thought most probable is that one")
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(model, list(self.windows[:_DISTURBED, :_CONTEXT_TOKENS]), _FILLER),
            robustness=robust,
            slices=tuple(
                slice_ for by, values in self._slices().items() for slice_ in slices(right, by, values, self.data)
            ),
            references=(
                accuracy("always what followed the same token most often in other texts", self._by_pairs(), told.data),
                self._compressed(),
                *more,
            ),
            metrics=(told, *self._surprise(np.array(bits))),
        )
        digest = hashlib.sha256(self.windows.tobytes())  # what is a row depends on the tokenizer, too
        return Measured(evaluation, HeldOut(digest.hexdigest(), self.truth, found))

    def examples(self, prompts: Sequence[str]) -> tuple[list[Example], Array]:
        """Requests to continue these prompts, each by a few tokens, and the tokens of the prompts."""
        examples = []
        for number, prompt in enumerate(prompts, start=1):
            body = {"inputs": prompt, "parameters": {"max_new_tokens": _NEW_TOKENS}}
            examples.append(Example.of(f"prompt-{number:02}", "application/json", json.dumps(body).encode(), label=""))
        return examples, stacked([np.array(self.codec.encode(prompt), np.int32) for prompt in prompts], _FILLER)

    def beginnings(self, count: int) -> list[str]:
        """Some words of a text each."""
        tokens = np.concatenate(self._tokens(self.prose.held_out))
        starts = np.arange(1, count + 1) * (len(tokens) - _TOKENS) // (count + 1)
        texts = (self.codec.decode(tokens[start : start + _TOKENS].tolist()) for start in starts)
        return [" ".join(text.split()[1 : 1 + _PROMPT_WORDS]) for text in texts]  # the first may be half a word

    @property
    def characters(self) -> int:
        """Of what is foretold."""
        return len(self._text(self.windows))

    @cached_property
    def others(self) -> list[list[int]]:
        """The tokens of the texts that are not foretold."""
        return self._tokens(self.prose.others)

    @cached_property
    def _kinds(self) -> dict[str, list[list[int]]]:
        """The tokens of the texts that are foretold."""
        return {kind: self._tokens(texts) for kind, texts in by_kind(self.prose.held_out).items()}

    def _tokens(self, texts: Sequence[Text]) -> list[list[int]]:
        return [self.codec.encode(text.text, add_special_tokens=False) for text in texts]

    @cached_property
    def _cut(self) -> list[tuple[str, list[int]]]:
        """Windows of one token more than are foretold, each with its kind of text. Each begins with what the tokenizer
        puts before every text."""
        kinds, count = list(self._kinds.items()), self.count
        begin = self.codec.encode("")
        tokens_of_window = min(_TOKENS, self.processing.context_tokens)
        foretold = tokens_of_window - len(begin)
        windows = []
        for number in range(count):
            kind, texts = kinds[number % len(kinds)]
            turn, place = divmod(number // len(kinds), len(texts))
            tokens = texts[place]
            apart = (len(tokens) - foretold) // tokens_of_window - 1  # so many begin a window or more from each other
            turns = min(-(-count // (len(kinds) * len(texts))), apart)
            if turn < turns:
                start = (1 + turn) * (len(tokens) - foretold) // (turns + 1)
                windows.append((kind, begin + tokens[start : start + foretold + 1]))
        return windows

    def _text(self, windows: NDArray[np.int32]) -> str:
        """What is foretold in them."""
        return "".join(self.codec.decode(window[1:].tolist()) for window in windows)

    def _surprise(self, bits: NDArray[np.float64]) -> Iterator[Metric]:
        """From the bits that each token of each window needs: −log₂ of its probability."""
        whole = {"data": self.data, "rows": bits.size}
        yield Metric(name="bits per character", value=float(bits.sum()) / self.characters, **whole)
        yield Metric(name="perplexity of a token", value=float(2 ** bits.mean()), **whole)
        for kind, which in self._windows_of.items():
            value = float(bits[which].sum()) / len(self._text(self.windows[which]))
            yield Metric(name=f"bits per character of {kind}", value=value, data=self.data, rows=bits[which].size)

    @property
    def _windows_of(self) -> dict[str, NDArray[np.bool_]]:
        """Which windows are of a kind of text, where there are several kinds."""
        kinds = [kind for kind, _ in self._cut]
        return {kind: np.array(kinds) == kind for kind in dict.fromkeys(kinds)} if len(set(kinds)) > 1 else {}

    def _compressed(self) -> Metric:
        """What the text adds to an archive of other texts."""
        others = "".join(text.text for text in self.prose.others).encode()
        small, large = (
            len(lzma.compress(text, preset=9)) for text in (others, others + self._text(self.windows).encode())
        )
        return Metric(
            name="bits per character of xz, which has read other texts",
            value=8 * (large - small) / self.characters,
            data=self.data,
            rows=self.truth.size,
        )

    def _by_pairs(self) -> NDArray[np.bool_]:
        """Whether a token is the one that most often follows the token before it, in other texts."""
        kinds = self.codec.largest_id + 1
        texts = [np.array(tokens) for tokens in self.others]
        pairs, counts = np.unique(
            np.concatenate([tokens[:-1] * kinds + tokens[1:] for tokens in texts]), return_counts=True
        )
        likeliest = np.full(kinds, -1)
        order = np.argsort(counts, kind="stable")
        before, after = np.divmod(pairs[order], kinds)
        likeliest[before] = after  # of the same token the last one counts, the most frequent
        return np.asarray(likeliest[self.windows[:, :-1].ravel()] == self.truth)

    def _slices(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        foretold = self.windows.shape[1] - 1
        place = np.tile(np.arange(foretold), len(self.windows))
        begins = np.array([self.codec.decode([token])[:1].isspace() for token in self.truth.tolist()])
        return {
            "kind of text": {kind: np.repeat(which, foretold) for kind, which in self._windows_of.items()},
            "place in the text": {name: (least <= place) & (place < below) for name, (least, below) in _PLACES.items()},
            "token": {"begins a word or line": begins, "goes on": ~begins},
        }

    def _robustness(self, logits_of: Traced, progress: Progress) -> Robustness:
        def next_tokens(rows: Sequence[Array]) -> NDArray[np.int_]:
            portions = [rows[start : start + _TOGETHER] for start in range(0, len(rows), _TOGETHER)]
            return np.concatenate([_next(logits_of, portion) for portion in portions])

        encode = preprocessing(self.processing, self.tokenizer)
        windows = self.windows[:_DISTURBED]
        starts = [start for start in _DISTURBED_AT if start + _CONTEXT_TOKENS < windows.shape[1]]
        rows = np.concatenate([windows[:, start : start + _CONTEXT_TOKENS + 1] for start in starts])
        contexts = [self.codec.decode(row[:-1].tolist()) for row in rows]
        sample = Sample(
            contexts,
            rows[:, -1],
            f"{len(rows)} of {self.data}, each with {_CONTEXT_TOKENS} before it",
            lambda text: encode(json.dumps({"inputs": text}).encode())[0],
            next_tokens,
        )
        return robustness(sample, TEXT_DISTURBANCES, (), self.seed, progress)


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
