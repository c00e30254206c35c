"""Errors of export.

ExportError
├── WeightsStoredTwiceError   the checkpoint holds more numbers than the model has parameters
├── ReloadError               a fresh process answers otherwise than Keras did
├── ExplanationError          the signature `explain` explains something else than the model's answers
├── TwinError                 the version goes without a twin for CPUs
├── NoGoldensError            no held-out request has an answer that is clear enough to be repeated
└── NotAnExportError          a folder that cannot be published
"""

from pathlib import Path


class ExportError(Exception):
    """Base of every error raised by `export`."""


class WeightsStoredTwiceError(ExportError):
    def __init__(self, stored: int, expected: int) -> None:
        super().__init__(
            f"the checkpoint holds {stored} numbers, expected {expected}: a weight is missing or stored twice"
        )


class ReloadError(ExportError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the exported model does not answer as the trained one: {reason}; nothing was exported")


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
            f"none of {examples} held-out requests has an answer whose order is clear; train longer, then export again"
        )


class NotAnExportError(ExportError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is neither an export nor a run with one; make one with `kmaas export RUN`")
