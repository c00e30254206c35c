"""Errors of export.

ExportError
├── WeightsStoredTwiceError   the checkpoint holds more numbers than the model has parameters
├── NotAsEvaluatedError      the run's files, or the code, are not those with which it was evaluated
├── OtherLabelsError         the labels are not those with which the run was evaluated
├── LabelsError              examples are not read as they are labelled
├── NotPortableError         a stock TensorFlow Serving could not run the graph, or it answers otherwise each time
├── BatchSafetyError         a row is answered otherwise beside others than alone
├── ReloadError               a fresh process answers otherwise than Keras did
├── NotInGraphError           preprocessing that no graph can do: the version goes without the signature `raw`
├── UncachedError             a language model whose attention cannot be cached
├── CacheError                what is kept of a text gives another answer than the whole text
├── ParityError               training, gateway and graph do not give the model the same
├── ExplanationError          the signature `explain` explains something else than the model's answers
├── TwinError                 the version goes without a twin for CPUs
├── NoGoldensError            no held-out request has an answer that is clear enough to be repeated
├── NotAnExportError          a folder that cannot be published
├── NoSuchLabelError          a label that no version has
└── NothingBeforeError        a label that cannot be rolled back
"""

from collections.abc import Sequence
from pathlib import Path

_SHOWN = 5  # faults, of perhaps hundreds


def reason_of(message: str) -> str:
    """The sentence in the message of a TensorFlow error: behind the trace, before the node."""
    return message.partition("\n\t [[")[0].rpartition("\n")[2]


class ExportError(Exception):
    """Base of every error raised by `export`."""


class WeightsStoredTwiceError(ExportError):
    def __init__(self, stored: int, expected: int) -> None:
        super().__init__(
            f"the checkpoint holds {stored} numbers, expected {expected}: a weight is missing or stored twice"
        )


class NotAsEvaluatedError(ExportError):
    def __init__(self, example: str, apart: float, allowed: float) -> None:
        super().__init__(
            f"example {example} is answered otherwise than when the run was evaluated: answers differ by {apart:.1e}, "
            f"expected at most {allowed}; its weights, its tokenizer or the code have changed since: `kmaas evaluate "
            "RUN` measures it as it is now; nothing was exported"
        )


class OtherLabelsError(ExportError):
    def __init__(self, now: Sequence[str], evaluated: Sequence[str]) -> None:
        super().__init__(
            f"the labels are {', '.join(now)}, in the evaluation of the run they were {', '.join(evaluated)}: the "
            "answers would get other names; `kmaas evaluate RUN` measures it as it is now; nothing was exported"
        )


class LabelsError(ExportError):
    def __init__(self, right: int, examples: int, accuracy: float) -> None:
        super().__init__(
            f"{right} of {examples} held-out examples are read as they are labelled, the evaluation says "
            f"{accuracy:.0%}: the labels are not those of the training or in another order, or a row alone is answered "
            "otherwise than among the many of the evaluation; nothing was exported"
        )


class NotPortableError(ExportError):
    def __init__(self, faults: Sequence[str]) -> None:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        super().__init__(f"the model is not portable: {'; '.join(faults[:_SHOWN])}{more}; nothing was exported")


class BatchSafetyError(ExportError):
    def __init__(self, golden: str, size: int, difference: str) -> None:
        super().__init__(
            f"golden {golden} in a batch of {size} is answered otherwise than alone: {difference}; no row may depend "
            "on its neighbours or on padding: mask the padding, call BatchNormalization with training=False; nothing "
            "was exported"
        )


class ReloadError(ExportError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the exported model does not answer as the trained one: {reason}; nothing was exported")


class NotInGraphError(ExportError):
    def __init__(self, what: str, why: str = "has no twin among the operations of TensorFlow Serving") -> None:
        super().__init__(f"{what} {why}")


class UncachedError(ExportError):
    def __init__(self, backbone: str, found: int, layers: int) -> None:
        super().__init__(
            f"{found} of {layers} layers of {backbone} let their attention be cached; expected all, as of keras-hub's "
            "GPT-2, OPT, Llama, SmolLM, Mistral, Qwen or Gemma"
        )


class CacheError(ExportError):
    def __init__(self, golden: str, reason: str) -> None:
        super().__init__(f"golden {golden}, kept on the model server token by token: {reason}; nothing was exported")


class ParityError(ExportError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; nothing was exported")


class ExplanationError(ExportError):
    def __init__(self, golden: str, reason: str) -> None:
        super().__init__(
            f"the explanation of golden {golden} is wrong: {reason}; "
            "see where the model's entry in models/ opens the network (`explain`)"
        )


class TwinError(ExportError):
    pass


class NoGoldensError(ExportError):
    def __init__(self, examples: int) -> None:
        super().__init__(
            f"none of {examples} held-out requests has an answer that is clear and finite; train longer, then export "
            "again"
        )


class NotAnExportError(ExportError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is neither an export nor a run with one; make one with `kmaas export RUN`")


class NoSuchLabelError(ExportError):
    def __init__(self, model: str, label: str, labels: Sequence[str]) -> None:
        super().__init__(f"no version of {model} has the label {label!r}; its labels: {', '.join(labels) or 'none'}")


class NothingBeforeError(ExportError):
    def __init__(self, model: str, label: str) -> None:
        super().__init__(
            f"no version that the store still has had the label {label} of {model} before; promote one: "
            f"`kmaas versions {model}` lists them"
        )
