"""Errors of the catalogue.

ModelsError
├── UnknownModelError       a name that the catalogue does not have
├── UnknownNetworkError     a network that the model does not have
├── NeedsDataError          a model that is trained on data of the user's own
├── DuplicateModelError     two entries of the catalogue share a name
├── UnfitWeightsError       pretrained weights that are not those of the network
└── LicenceNotAcceptedError the terms of a model are unclear, and the user has not accepted them
"""

from collections.abc import Iterable, Sequence


class ModelsError(Exception):
    """Base of every error raised by `models`."""


class UnknownModelError(ModelsError):
    def __init__(self, unknown: Iterable[str], known: Iterable[str]) -> None:
        names = ", ".join(repr(name) for name in unknown)
        super().__init__(f"the catalogue has no {names}; it has {', '.join(known)}")


class UnknownNetworkError(ModelsError):
    def __init__(self, name: str, network: object, known: Sequence[str]) -> None:
        has = f"it has {', '.join(known)}" if known else "it has one, which is not named"
        super().__init__(f"{name} has no network {network!r}; {has}")


class NeedsDataError(ModelsError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is trained on data of yours: kmaas train {name} --data FILE --text-column … --label-column …; it "
            "has the name that you give it there"
        )


class DuplicateModelError(ModelsError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the catalogue names {name!r} twice; expected each name once")


class UnfitWeightsError(ModelsError):
    def __init__(self, why: str) -> None:
        super().__init__(f"the weights do not fit the network: {why}")


class LicenceNotAcceptedError(ModelsError):
    def __init__(self, name: str, licences: Iterable[str]) -> None:
        super().__init__(
            f"the terms of {name} are unclear ({'; '.join(licences)}); read them, then say --accept-licence to go on"
        )
