"""The rules by which versions load and unload, from the settings."""

from dataclasses import dataclass
from typing import Self

from serving.settings import ServeSettings

_LOAD_THREADS = 4  # TensorFlow's own work inside a load is parallel anyway


@dataclass(frozen=True)
class Rules:
    """How many times a version is tried, how many load at a time, what goes first, and what may wait for a request.

    Attributes:
        unload_threads: 0 for as many as there are versions to unload.
        memory_budget: bytes that loaded versions may take together when `lazy`; 0 for no limit.
    """

    retries: int = 0
    retry_interval_s: float = 0
    load_threads: int = _LOAD_THREADS
    unload_threads: int = 0
    resource_preserving: bool = False
    lazy: bool = False
    memory_budget: int = 0

    @classmethod
    def of(cls, settings: ServeSettings) -> Self:
        """With a budget one version loads at a time: else nobody could tell whose memory grows."""
        return cls(
            retries=max(0, settings.max_num_load_retries),
            retry_interval_s=max(0, settings.load_retry_interval_micros / 1e6),
            load_threads=1 if settings.memory_budget_mb else settings.num_load_threads or _LOAD_THREADS,
            unload_threads=settings.num_unload_threads,
            resource_preserving=settings.resource_preserving,
            lazy=settings.lazy_loading,
            memory_budget=settings.memory_budget_mb * 2**20,
        )
