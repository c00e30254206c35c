"""Errors of the command line, and how any error of ours ends a command.

KmaasError
├── ConfigError          kmaas.toml or a KMAAS_* variable is wrong
├── OpenAddressError     others can reach the address, and there are no accounts
├── PortTakenError       an address cannot be listened on, mostly because another process does
├── StoreInUseError      another `kmaas up` runs on the same store
├── ChildFailedError     a process that `kmaas up` needs does not start
├── UnknownVersionError  what names a version is no number, no label and not `newest`
├── AdminError           the gateway's admin API refuses, or does not answer
├── NoCardError          a version that was published without a model card
└── TakenNameError       a user's own model is named as one of the catalogue
"""

from collections.abc import Sequence
from pathlib import Path


class KmaasError(Exception):
    """Base of every error raised by `kmaas`."""


class ConfigError(KmaasError):
    pass


class OpenAddressError(KmaasError):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host or 'an empty host'} can be reached from other machines and there are no accounts yet; "
            "bind to 127.0.0.1, or say --no-auth to serve everyone who can connect"
        )


class PortTakenError(KmaasError):
    def __init__(self, host: str, port: int, what: str, reason: str) -> None:
        super().__init__(
            f"cannot listen on {host} port {port} for the {what}: {reason}; stop what listens there or choose another"
        )


class StoreInUseError(KmaasError):
    def __init__(self, store: Path) -> None:
        super().__init__(f"another `kmaas up` runs on {store}; stop it first, or use another store")


class ChildFailedError(KmaasError):
    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"the {what} ended with exit code {code}; its output above says why")


class UnknownVersionError(KmaasError):
    def __init__(self, model: str, name: str, labels: Sequence[str]) -> None:
        super().__init__(
            f"{model} has no version called {name!r}; expected a number, `newest`, or a label: "
            f"{', '.join(labels) or 'there are none'}"
        )


class AdminError(KmaasError):
    pass


class NoCardError(KmaasError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no {path}; versions have one that this kmaas exported: export the run again")


class TakenNameError(KmaasError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the catalogue has a model {name!r}; give yours another --name")
