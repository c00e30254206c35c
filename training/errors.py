"""Errors of training.

TrainingError
├── ConfigurationError          an unknown key, or a value that does not fit
├── SpaceError                  a search space that does not fit the model
├── NotTrainedError             a model whose weights are imported, so that there is nothing to search
├── UntunedError                a model of whose training data nothing is set apart for trials
├── NotASearchError             a folder that is no search, or a damaged one
├── OutdatedSearchError         a search that cannot be continued: its trials would not be comparable
├── NotARunError                a folder that is no run, or one that lacks what is needed
│   └── UnfinishedRunError      a run that lacks what its end would have brought
├── ChangedRunError             a run whose weights or tokenizer are not those that were measured
├── RunBusyError                another process is at work on this run
├── SearchBusyError             another process continues this search
├── OutdatedRunError            a run that cannot be continued: its weights would come of two different trainings
├── UnwritableError             runs or cache cannot be written
├── DataError                   data that is not what it should be
│   ├── DigestMismatchError     fetched bytes have another sha256 than the pinned one
│   ├── NoSourceError           no source of a data set can be had
│   ├── CheckpointError         a checkpoint that cannot be read, or not be served
│   │   ├── TooLargeError       one that does not fit into memory
│   │   └── ChangedCheckpointError  one whose files are no longer those a run was begun with
│   ├── UnreadableTableError    a user's own file that is missing, damaged or of another form
│   ├── UnreadableFolderError   a user's own folder that is missing, or has no labels
│   ├── UnlearnableError        rows of which too little is left; `findings` tell why
│   ├── EncodingError           bytes in it that are no text in its encoding
│   ├── MissingColumnError      a column that it does not have
│   ├── ChangedDataError        it is no longer what the run was begun with
│   └── UnfitBackboneError      pretrained weights that cannot be trained on
├── HubError                    a preset of keras-hub cannot be had
├── EngineError                 an engine of speech that does not speak
└── FetchError                  a package cannot be fetched
    └── MissingClientError      the client that fetches it is not installed
"""

from collections.abc import Sequence
from pathlib import Path


class TrainingError(Exception):
    """Base of every error raised by `training`."""


class ConfigurationError(TrainingError):
    pass


class SpaceError(TrainingError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the search space {path} cannot be used: {reason}")


class NotTrainedError(TrainingError):
    def __init__(self, model: str) -> None:
        super().__init__(f"{model} is imported with its weights and not trained here, so there is nothing to tune")


class UntunedError(TrainingError):
    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model} cannot be tuned: nothing of its training data is set apart for trials; train it with settings of "
            f"your own: kmaas train {model} --set KEY=VALUE"
        )


class NotASearchError(TrainingError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no search that can be continued: {reason}; expected a folder of `kmaas tune`")


class SearchBusyError(TrainingError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"another process continues the search {path}; wait until it has ended, or begin another")


class OutdatedSearchError(TrainingError):
    def __init__(self, path: Path, changed: Sequence[str], model: str) -> None:
        super().__init__(
            f"{path} was begun with other {' and '.join(changed)}, so that trials of now cannot be compared with those "
            f"in it; search anew: kmaas tune {model}"
        )


class NotARunError(TrainingError):
    def __init__(self, path: Path, lacks: str, hint: str) -> None:
        super().__init__(f"{path} has no {lacks}; {hint}")


class UnfinishedRunError(NotARunError):
    def __init__(self, path: Path, lacks: str) -> None:
        super().__init__(path, lacks, f"finish it first: kmaas train --resume {path}")


class ChangedRunError(TrainingError):
    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(
            f"{' and '.join(names)} of {path} changed since the run was evaluated; `kmaas evaluate {path}` measures it "
            "as it is now; nothing was exported"
        )


class RunBusyError(TrainingError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"another process is at work on {path}: it trains, measures, exports or publishes it; wait until it has "
            "ended, or take another run"
        )


class OutdatedRunError(TrainingError):
    def __init__(self, path: Path, changed: Sequence[str], model: str) -> None:
        super().__init__(
            f"{path} was begun with other {' and '.join(changed)} and cannot be continued with what is there now; "
            f"train anew: kmaas train {model}"
        )


class UnwritableError(TrainingError):
    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"cannot write {path}: {reason}; check its owner, its permissions and the free space")


class DataError(TrainingError):
    pass


class DigestMismatchError(DataError):
    def __init__(self, what: str, expected: str, received: str) -> None:
        super().__init__(f"{what} has sha256 {received}, expected {expected}; it was not kept")


class NoSourceError(DataError):
    def __init__(self, what: str, failures: Sequence[str]) -> None:
        super().__init__(f"{what} cannot be had from any of its sources: {'; '.join(failures)}")


class CheckpointError(DataError):
    def __init__(self, checkpoint: object, why: str) -> None:
        super().__init__(f"{checkpoint} cannot be served: {why}")


class TooLargeError(CheckpointError):
    def __init__(self, checkpoint: object, parameters: int, needed: int, there: int) -> None:
        why = f"its {parameters:,} weights need {_gb(needed)} of memory, and {_gb(there)} are free"
        super().__init__(checkpoint, why)


class ChangedCheckpointError(CheckpointError):
    def __init__(self, checkpoint: object) -> None:
        super().__init__(checkpoint, "its files are no longer those that the run was begun with; begin another")


class UnreadableTableError(DataError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}")


class UnreadableFolderError(DataError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used: {reason}")


class UnlearnableError(DataError):
    def __init__(self, why: str, findings: Sequence[object]) -> None:
        """`findings`: what was found in the rows until then, each of which tells itself in a line."""
        super().__init__(why)
        self.findings = tuple(map(str, findings))


class EncodingError(DataError):
    def __init__(self, path: Path, encoding: str, where: str, *, likely: str, around: str) -> None:
        super().__init__(
            f"{path} is not {encoding}: {where}, and {likely} would read {around!r} there; if that is right, say "
            f"--encoding {likely}, otherwise name the encoding it has"
        )


class MissingColumnError(DataError):
    def __init__(self, missing: Sequence[str], columns: Sequence[str]) -> None:
        has = ", ".join(map(repr, columns)) or "none"
        hint = "; is there another --delimiter?" if len(columns) == 1 else ""
        super().__init__(f"there is no column {', '.join(map(repr, missing))}; the columns are {has}{hint}")


class ChangedDataError(DataError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is no longer what the run was begun with; bring that back, or train anew")


class UnfitBackboneError(DataError):
    def __init__(self, backbone: str, reason: str) -> None:
        super().__init__(f"the backbone {backbone} cannot be used: {reason}")


class FetchError(TrainingError):
    def __init__(self, client: str, what: str, reason: str) -> None:
        super().__init__(
            f"{client} could not fetch {what}: {reason}; check the network and how {client} is configured, then again"
        )


class MissingClientError(FetchError):
    def __init__(self, client: str, what: str) -> None:
        super().__init__(client, what, f"{client} is not installed")


class HubError(TrainingError):
    def __init__(self, preset: str, reason: str) -> None:
        super().__init__(
            f"the preset {preset} is not on this machine, and its hub cannot be reached or does not have it; check the "
            f"network, or give the preset's folder instead. keras-hub said: {reason}"
        )


class EngineError(TrainingError):
    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(f"{engine} does not speak: {reason}")


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
