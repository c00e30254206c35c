"""What every runtime offers: one loaded version, ready to run its signatures."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from wire.tensors import Array


class Runtime(Protocol):
    """One loaded version. `run` may be called from many threads; `close` once, when no call is in flight."""

    @property
    def signatures(self) -> Mapping[str, Any]:
        """`SignatureDef` messages (of `wire.messages`) by name."""

    @property
    def pure(self) -> Collection[str]:
        """The signatures whose runs leave no trace: no state is changed, nothing else is loaded.

        They may be tried out before a client asks, and run in any company or order.
        """

    @property
    def unopened(self) -> Collection[str]:
        """The signatures whose first call opens something else, which takes seconds and memory, and then proves itself
        as a version does that loads: warming up leaves them alone.
        """

    @property
    def facts(self) -> Mapping[str, str]:
        """How this version runs, for people: what executes it, and what was measured best, in short words."""

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        """Runs a signature on tensors named by its input aliases; the tensors of `outputs`, in that order.

        `SignatureDef.defaults` stand for inputs that are absent.

        Shapes are left to the graph to judge, as in TensorFlow Serving. No timeout means: as long as it takes.

        Raises:
            RequestError: the graph refuses the inputs, or the time is up.
        """

    def close(self) -> None:
        """Gives back what the version holds."""
