"""What a `Runtime` around a `Runtime` tells of the one it owns."""

from collections.abc import Collection, Mapping
from typing import Any

from serving.runtimes.runtime import Runtime


class Around:
    """Its facts and its runs are for whoever derives from it to say."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def signatures(self) -> Mapping[str, Any]:
        return self._runtime.signatures

    @property
    def pure(self) -> Collection[str]:
        return self._runtime.pure

    @property
    def unopened(self) -> Collection[str]:
        return self._runtime.unopened

    def close(self) -> None:
        self._runtime.close()
