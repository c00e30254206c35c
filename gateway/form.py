"""Bodies of the type multipart/form-data, as HTML's forms and most clients send files."""

from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from gateway.errors import MalformedBodyError, MediaTypeError, OverLimitError

MULTIPART = "multipart/form-data"
_MAX_PARTS = 64
_MAX_FIELD_BYTES = 100_000  # of the head of a part, or of a field that is no file


def form_of(
    body: bytes, mimetype: str, options: Mapping[str, str], files: Collection[str] = ("file",)
) -> dict[str, Any]:
    """The fields of a multipart body: those named in `files` their bytes, where they are sent as files; names that end
    in `[]` lists, others texts.

    Raises:
        MediaTypeError: it is something else.
        MalformedBodyError: it cannot be read.
        OverLimitError: more parts, or larger ones beside the files, than are accepted.
    """
    if mimetype != MULTIPART:
        raise MediaTypeError(mimetype or "none", [MULTIPART])
    parser = FormDataParser(
        stream_factory=lambda *_, **__: BytesIO(),  # never a file on the disk
        max_form_memory_size=_MAX_FIELD_BYTES,
        max_form_parts=_MAX_PARTS,
        silent=False,
    )
    try:
        _, fields, sent = parser.parse(BytesIO(body), mimetype, len(body), dict(options))
    except RequestEntityTooLarge as exc:
        boundary = f"--{options['boundary']}".encode()
        if boundary not in body:  # all of it is taken for one head
            raise MalformedBodyError("the boundary that the Content-Type announces is nowhere in the body") from exc
        parts = body.count(boundary + b"\r\n")
        if parts > _MAX_PARTS:
            raise OverLimitError("parts of the form", parts, _MAX_PARTS) from exc
        raise OverLimitError("bytes of a part's head, or of a field that is no file,", None, _MAX_FIELD_BYTES) from exc
    except (ValueError, HTTPException) as exc:
        raise MalformedBodyError(f"the body is no {MULTIPART} that can be read: {exc}") from exc
    if None in fields:
        raise MalformedBodyError("a part of the form has no name")
    form: dict[str, Any] = {name: fields.getlist(name) if name.endswith("[]") else fields[name] for name in fields}
    return form | {name: sent[name].read() for name in files if name in sent}
