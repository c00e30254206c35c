"""Errors of galleries.

├── RequestError
│   ├── UnknownGalleryError   no gallery of that name
│   ├── UnknownEntryError     no such picture or person in the gallery, or none any more
│   ├── GalleryExistsError    there is one of that name
│   ├── GalleryKindError      it keeps something else than what is asked of it
│   └── GalleryVersionError   its vectors are of a version that does not answer any more
└── UnavailableError
    ├── GalleriesDownError    the galleries' database cannot be had
    └── GalleryKeyError       what is known of people is sealed, and the key is not there
"""

from gateway.errors import RequestError, UnavailableError

_SHOWN = 100  # characters of a name


class UnknownGalleryError(RequestError):
    def __init__(self, name: str) -> None:
        super().__init__(f"there is no gallery {name[:_SHOWN]!r}; GET /v1/galleries lists those there are")


class UnknownEntryError(RequestError):
    def __init__(self, what: str, entry: str, gallery: str) -> None:
        super().__init__(f"there is no {what} {entry[:_SHOWN]!r} in the gallery {gallery}")


class GalleryExistsError(RequestError):
    def __init__(self, name: str) -> None:
        super().__init__(f"there is a gallery {name} already; take another name, or delete that one first")


class GalleryKindError(RequestError):
    def __init__(self, name: str, kind: str, asked: str) -> None:
        super().__init__(f"the gallery {name} keeps {kind}; it was asked for {asked}")


class GalleryVersionError(RequestError):
    def __init__(self, name: str, model: str, version: int, digest: str) -> None:
        super().__init__(
            f"the vectors in the gallery {name} are of {model} version {version} with the digest {digest}, which does "
            "not answer now, and vectors of another version cannot be compared with them: serve that version (kmaas "
            "rollback), or make a new gallery and put the pictures into it"
        )


class GalleriesDownError(UnavailableError):
    def __init__(self) -> None:
        super().__init__(f"the galleries' database cannot be used now; try again in {self.retry_after_s} s")


class GalleryKeyError(UnavailableError):
    retry_after_s = 60

    def __init__(self, reason: str) -> None:
        super().__init__(f"what is known of people is sealed, and cannot be opened: {reason}")
