"""How calls are batched: TensorFlow Serving's `BatchingParameters`, read from its text files."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from serving.errors import Code, LoadError
from serving.text_proto import parse_text_proto
from store.layout import VersionDir
from wire import messages
from wire.cores import usable_cores

_WRAPPED = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
    "thread_pool_name",
    "enable_large_batch_splitting",
    "max_execution_batch_size",
)


@dataclass(frozen=True)
class BatchingParameters:
    """Sizes count rows: the size of dimension 0. Raises `LoadError` for values that TensorFlow Serving refuses."""

    max_batch_size: int = 1000
    """Of one call; and of one run, unless large calls are split."""
    batch_timeout_micros: int = 0
    """For which the first call of a batch waits for others."""
    max_enqueued_batches: int = 10
    """Per signature; a call that would need one more is UNAVAILABLE."""
    num_batch_threads: int = field(default_factory=usable_cores)
    """Batches that run at a time, over all models of a server."""
    thread_pool_name: str = ""
    """Taken and not used, as in TensorFlow Serving."""
    allowed_batch_sizes: tuple[int, ...] = ()
    """Ascending. A batch is filled up to the next of them."""
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None
    """Of one run when large calls are split. None: `max_batch_size`."""

    def __post_init__(self) -> None:
        for name, least, words in (
            ("num_batch_threads", 1, "num_batch_threads must be positive"),
            ("max_batch_size", 1, "input_batch_size_limit must be positive"),
            ("batch_timeout_micros", 0, "batch_timeout_micros must be non-negative"),
            ("max_enqueued_batches", 1, "max_enqueued_batches must be positive"),
        ):
            if (value := getattr(self, name)) < least:
                raise _refused(f"{words}; was {value}")
        self._check_allowed()
        if self.enable_large_batch_splitting and not 1 <= self.execution_limit <= self.max_batch_size:
            raise _refused(
                "When enable_large_batch_splitting is true, input_batch_size_limit must be greater than or equal to "
                f"max_execution_batch_size. They were {self.max_batch_size} and {self.execution_limit}"
            )

    @property
    def execution_limit(self) -> int:
        """The most rows of one run."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return self.max_batch_size

    def filled_up(self, rows: int) -> int:
        """The smallest allowed batch size that holds `rows`; `rows` where such a run would be larger than runs may be.

        The allowed sizes end at `max_batch_size`, also where large calls are split, as in TensorFlow Serving's server.
        """
        return next((size for size in self.allowed_batch_sizes if rows <= size <= self.execution_limit), rows)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Parses a text `BatchingParameters`.

        Raises:
            LoadError: the file cannot be read, is not that message, or has values that do not go together.
        """
        try:
            proto = parse_text_proto(path.read_bytes(), messages.BatchingParameters)
        except OSError as exc:
            raise LoadError(Code.NOT_FOUND, f"{path}; {exc.strerror}") from exc
        except ValueError as exc:
            raise _refused(f"Invalid protobuf file: '{path}': {exc}") from exc
        return cls.of(proto)

    @classmethod
    def of(cls, proto: Any) -> Self:
        """From a `tensorflow.serving.BatchingParameters` message."""
        given = {name: getattr(proto, name).value for name in _WRAPPED if proto.HasField(name)}
        return cls(
            allowed_batch_sizes=tuple(proto.allowed_batch_sizes),
            pad_variable_length_inputs=proto.pad_variable_length_inputs,
            **given,
        )

    @classmethod
    def of_version(cls, folder: Path) -> Self | None:
        """Those a version brings along in its folder; None: it is not to be batched. Raises `LoadError` like `read`."""
        path = VersionDir(folder).batching_parameters
        return cls.read(path) if path.exists() else None

    def _check_allowed(self) -> None:
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        if sizes[0] < 1 or any(size >= following for size, following in pairwise(sizes)):
            raise _refused("allowed_batch_sizes entries must be monotonically increasing")
        if sizes[-1] != self.max_batch_size:
            raise _refused(
                "Last entry in allowed_batch_sizes must match max_batch_size; "
                f"last entry was {sizes[-1]}; expected {self.max_batch_size}"
            )


def _refused(message: str) -> LoadError:
    return LoadError(Code.INVALID_ARGUMENT, message)
