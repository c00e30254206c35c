"""Errors of the gateway; those of galleries are in `gateway.galleries.errors`. `gateway.refusals` has the status codes.

GatewayError
├── RequestError              the caller is at fault
│   ├── MalformedBodyError    the body is not the JSON it should be
│   │   └── TruncatedBodyError    it ended before its announced length
│   ├── SlowBodyError         the body did not arrive in time, or somebody else needed the place
│   ├── EncodedBodyError      a Content-Encoding that is not decoded here
│   ├── InvalidRequestError   readable, but a field has a wrong value; `faults` names each
│   │   └── UnsupportedError  a field that others have a meaning for
│   ├── InvalidTensorsError   tensors that the asked signature does not take, or one that is not there
│   ├── RejectedError         the model server finds fault with what the caller had it asked; `code` is its gRPC status
│   ├── OverLimitError        more bytes, characters or items than are accepted
│   ├── FaceError             a picture in which no person can be told by the face; `facts` has what was measured
│   │   ├── NoFaceError       there is none
│   │   ├── SeveralFacesError     there are several, where one was to be
│   │   ├── SmallFaceError    it has too few pixels
│   │   ├── BlurredFaceError  it is not sharp enough
│   │   └── OtherFaceError    it is not that of the person to whom it is to be added
│   ├── ContextError          a prompt that leaves the model no room to continue it
│   ├── TaskError             the model does something else than what is asked at this path
│   ├── MediaTypeError        a Content-Type that the model's task does not take
│   ├── UnknownModelError     no model of that name
│   ├── UnknownVersionError   the model has no version loaded of that number or label
│   ├── NoCardError           the model's version was published without a model card
│   ├── UnexplainedError      the model's version cannot explain its answers
│   ├── NotOfferedError       a protocol knows it, the gateway has it not
│   ├── UnknownRouteError     nothing is at that path
│   ├── DigestError           the caller pinned another digest than that of the version that answers
│   ├── ChoiceError           the caller chose a version where its route lets nobody choose
│   ├── UnseenTextError       texts in token ids or tensors, where the model's route masks private data
│   ├── TokenError            the admin API was asked without its token
│   ├── HostError             what may be changed was asked by a name that is not this machine's own
│   ├── OriginError           a page of another origin asks for what may be changed
│   └── MethodError           something is at that path, for other methods
├── UnavailableError          try again in `retry_after_s`
│   ├── BusyError             as many requests are inside as are let in at once
│   ├── FullError             what is being answered has taken the memory there is for it
│   ├── LongQueueError        so many wait that the answer would come too late
│   ├── ModelServerDownError  nobody answers at the model server's address
│   ├── ModelServerBusyError  it answers that it cannot take more now
│   ├── OpeningError          it opens what the answer needs
│   ├── NoSlotError           as many texts are being continued as the model server keeps at once
│   ├── CutShortError         the version that answers in pieces went while it did
│   ├── ModelNotReadyError    a known model without a version that can answer
│   └── NotReadyError         the gateway itself should get no traffic yet
├── DeadlineError             no answer within the time a request has
├── CallerLeftError           nobody waits for the answer any more
├── BrokenAnswerError         the model server answered something that is not an answer
├── StateError                what was changed at run time cannot be kept, or read, on the disk
├── VersionGoneError          the asked version is not loaded (any more)
└── UnfitVersionError         a version that must not become current: no readable manifest, or a golden answered wrongly
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from processing import heif

if TYPE_CHECKING:
    import grpc

_SHOWN = 100  # characters of a header, a name or a path
_TOLD_FAULTS = 20
_ASKING = "infer"  # the stage in which the model is asked


class GatewayError(Exception):
    """Base of every error raised by `gateway`."""


class RequestError(GatewayError):
    pass


class MalformedBodyError(RequestError):
    pass


class TruncatedBodyError(MalformedBodyError):
    def __init__(self, received: int, announced: int) -> None:
        super().__init__(f"the body ended after {received} bytes; {announced} were announced")


class SlowBodyError(RequestError):
    def __init__(self, received: int, took_s: float) -> None:
        super().__init__(f"{received} bytes of the body arrived in {took_s:.1f} s, which is too slow; send it again")


class EncodedBodyError(RequestError):
    def __init__(self, received: str, accepted: Sequence[str]) -> None:
        super().__init__(
            f"Content-Encoding {received[:_SHOWN]!r} is not accepted here; expected {' or '.join(accepted)}"
        )
        self.accepted = tuple(accepted)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field of a request, e.g. `parameters.top_k`."""

    field: str
    message: str


class InvalidRequestError(RequestError):
    """Tells no more than a person reads: a body may be wrong in a million places."""

    def __init__(self, faults: Sequence[Fault], more: int = 0) -> None:
        """`more`: how many there are beside these."""
        told = [Fault(fault.field[:_SHOWN], fault.message) for fault in faults[:_TOLD_FAULTS]]
        more += len(faults) - len(told)
        if more:
            told.append(Fault("body", f"and {more} more"))
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in told))
        self.faults = tuple(told)


class UnsupportedError(InvalidRequestError):
    message = "is not supported here; ask without it"

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__([Fault(field, self.message) for field in fields])


class InvalidTensorsError(RequestError):
    pass


class RejectedError(RequestError):
    def __init__(self, code: "grpc.StatusCode", details: str) -> None:
        super().__init__(details)
        self.code = code


class OverLimitError(RequestError):
    def __init__(
        self, what: str, received: int | None, limit: int, setting: str | None = None, *, routed: bool = True
    ) -> None:
        """`setting`: which one an operator would raise, if there is one: of the `limits`, which a model's route may
        have, too, or of the gateway alone."""
        amount = f"more than {limit}" if received is None else str(received)
        name = f"limits.{setting} of the gateway, or of the model's route" if routed else f"{setting} of the gateway"
        where = f" ({name})" if setting else ""
        super().__init__(f"{amount} {what} received; at most {limit} are accepted{where}")


class FaceError(RequestError):
    """`facts` are numbers by name: the picture's position in the request, what was measured, what is needed."""

    def __init__(self, picture: int, told: str, **facts: float) -> None:
        super().__init__(f"picture {picture}: {told}")
        self.facts = {"picture": picture, **facts}


class NoFaceError(FaceError):
    def __init__(self, picture: int) -> None:
        super().__init__(picture, "no face was found; expected one, seen from the front", faces=0)


class SeveralFacesError(FaceError):
    def __init__(self, picture: int, faces: int) -> None:
        super().__init__(picture, f"{faces} faces were found; expected one: cut the picture", faces=faces)


class SmallFaceError(FaceError):
    def __init__(self, picture: int, size: int, least_size: int) -> None:
        told = f"the face is {size} pixels wide or high; expected {least_size} at least"
        super().__init__(picture, told, size=size, least_size=least_size)


class BlurredFaceError(FaceError):
    def __init__(self, picture: int, sharpness: float, least_sharpness: float) -> None:
        told = f"the face has a sharpness of {sharpness:.1f}; expected {least_sharpness:g} at least"
        super().__init__(picture, told, sharpness=sharpness, least_sharpness=least_sharpness)


class OtherFaceError(FaceError):
    def __init__(self, picture: int, distance: float, threshold: float) -> None:
        told = (
            f"the face is {distance:.2f} away from the nearest other one of this person; expected less than "
            f"{threshold:g}, as in pictures of one person"
        )
        super().__init__(picture, told, distance=distance, threshold=threshold)


class ContextError(RequestError):
    def __init__(self, tokens: int, context: int) -> None:
        super().__init__(
            f"the prompt has {tokens} tokens; the model takes {context} with the continuation, so expected at most "
            f"{context - 1}"
        )


class TaskError(RequestError):
    def __init__(self, model: str, task: str, expected: str) -> None:
        super().__init__(f"the model {model} does {task}; this path needs one that does {expected}")


class MediaTypeError(RequestError):
    def __init__(self, received: str, accepted: Sequence[str]) -> None:
        pictures_only = received in heif.MEDIA_TYPES and "image/jpeg" in accepted
        super().__init__(
            f"Content-Type {received[:_SHOWN]} is not accepted here; expected one of {', '.join(accepted)}"
            f"{f'; {heif.missing()}' if pictures_only else ''}"
        )
        self.accepted = tuple(accepted)


class UnknownModelError(RequestError):
    def __init__(self, model: str) -> None:
        super().__init__(f"there is no model {model[:_SHOWN]!r}; GET /models lists those there are")


class UnknownVersionError(RequestError):
    def __init__(self, model: str, wanted: int | str) -> None:
        what = f"version {wanted}" if isinstance(wanted, int) else f"version with the label {wanted[:_SHOWN]!r}"
        super().__init__(f"{model} has no {what} loaded; GET /models/{model} lists those it has")


class NoCardError(RequestError):
    def __init__(self, model: str, version: int) -> None:
        super().__init__(
            f"{model} version {version} has no model card; versions have one that `kmaas export` made of a run"
        )


class UnexplainedError(RequestError):
    def __init__(self, model: str, version: int, why: str) -> None:
        super().__init__(f"version {version} of {model} cannot explain its answers: {why}; ask it without /explain")


class NotOfferedError(RequestError):
    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"{what} is not offered here; {instead}")


class UnknownRouteError(RequestError):
    def __init__(self, path: str) -> None:
        super().__init__(f"nothing is at {path[:_SHOWN]}; /openapi.json and /docs say what is where")


class DigestError(RequestError):
    def __init__(self, model: str, version: int, digest: str, pinned: str) -> None:
        super().__init__(
            f"{model} is answered by version {version} with the digest {digest}, the request pins {pinned[:_SHOWN]!r}; "
            "pin that one, or ask without the header X-Model-Digest"
        )


class ChoiceError(RequestError):
    def __init__(self, model: str) -> None:
        super().__init__(
            f"the route of {model} lets callers choose no version; ask without the header X-Model-Version, or set "
            "`testers` in the route"
        )


class UnseenTextError(RequestError):
    def __init__(self, hidden_in: str) -> None:
        super().__init__(
            f"the route of this model masks private data, which it cannot see in {hidden_in}; send texts, in the words "
            "of the model's task"
        )


class TokenError(RequestError):
    def __init__(self) -> None:
        super().__init__("this needs the admin_token of the gateway's settings: send Authorization: Bearer TOKEN")


class HostError(RequestError):
    def __init__(self, otherwise: str = "without an admin_token") -> None:
        super().__init__(
            f"{otherwise} only this machine's own names are answered here: expected a Host of localhost or a loopback "
            "address"
        )


class OriginError(RequestError):
    def __init__(self, origin: str, why: str) -> None:
        super().__init__(f"pages of {origin[:_SHOWN]} may not ask {why}")


class MethodError(RequestError):
    def __init__(self, method: str, path: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method[:_SHOWN]} is not possible at {path[:_SHOWN]}; expected {' or '.join(allowed)}")
        self.allowed = tuple(allowed)


class UnavailableError(GatewayError):
    retry_after_s = 1


class BusyError(UnavailableError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} requests are being answered, no more at once; try again in {self.retry_after_s} s")


class FullError(UnavailableError):
    def __init__(self, taken: int, most: int) -> None:
        super().__init__(
            f"what is being answered takes {taken / 2**20:.1f} of {most / 2**20:.1f} MiB (recording_bytes); "
            f"try again in {self.retry_after_s} s"
        )


class LongQueueError(UnavailableError):
    def __init__(self, waiting: int, wait_s: float) -> None:
        self.retry_after_s = math.ceil(wait_s)
        super().__init__(
            f"{waiting} requests wait before, the answer would come too late; try again in {self.retry_after_s} s"
        )


class ModelServerDownError(UnavailableError):
    def __init__(self) -> None:
        super().__init__(f"the model server does not answer; try again in {self.retry_after_s} s")


class ModelServerBusyError(UnavailableError):
    def __init__(self) -> None:
        super().__init__(f"the model server is overloaded or stops; try again in {self.retry_after_s} s")


class OpeningError(UnavailableError):
    retry_after_s = 5

    def __init__(self, model: str) -> None:
        super().__init__(
            f"the SavedModel of {model}, which this needs and nothing did before, is being opened; try again in "
            f"{self.retry_after_s} s"
        )


class NoSlotError(UnavailableError):
    def __init__(self, slots: int, waited_s: float) -> None:
        """`waited_s`: in vain; who asks again sooner will most likely wait in vain again."""
        self.retry_after_s = math.ceil(waited_s)
        super().__init__(
            f"{slots} texts are being continued, the model server keeps no more at once, and none of their places was "
            f"to be had within {waited_s:g} s; try again in {self.retry_after_s} s"
        )


class CutShortError(UnavailableError):
    def __init__(self) -> None:
        super().__init__("the version that was answering is gone; what it said so far is all it said; ask again")


class ModelNotReadyError(UnavailableError):
    def __init__(self, model: str, reason: str) -> None:
        """`reason` may be the message of another of these, which says itself when to come again."""
        again = f"; try again in {self.retry_after_s} s"
        super().__init__(f"model {model} cannot answer now: {reason.removesuffix(again)}{again}")


class NotReadyError(UnavailableError):
    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
        self.reasons = dict(reasons)


class DeadlineError(GatewayError):
    def __init__(self, limit_s: float) -> None:
        super().__init__(f"the model did not answer within {limit_s:g} s")
        self.limit_s = limit_s

    def told(self, stages: Mapping[str, float]) -> str:
        """With the stage that took most of the time, of what was done until then, in seconds, unless that is the
        model's: who waits in none waits for the model server."""
        longest = max(stages, key=stages.__getitem__, default=_ASKING)
        if longest == _ASKING or stages[longest] < self.limit_s / 2:
            return str(self)
        took = f"the stage {longest} took {stages[longest]:.1f} s"
        return f"there was no answer within {self.limit_s:g} s, of which {took}"


class CallerLeftError(GatewayError):
    def __init__(self) -> None:
        super().__init__("the caller left before the answer")


class BrokenAnswerError(GatewayError):
    pass


class StateError(GatewayError):
    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"the state in {folder} cannot be used: {reason}")


class VersionGoneError(GatewayError):
    def __init__(self, model: str, version: int | None = None) -> None:
        what = model if version is None else f"{model} version {version}"
        super().__init__(f"the model server does not have {what} loaded")


class UnfitVersionError(GatewayError):
    pass
