"""Asking the gateway as any HTTP client would, every status an answer."""

import json
import urllib.error
import urllib.request
from typing import Any

Answer = tuple[int, dict[str, str], Any]


def ask(url: str, body: bytes) -> Answer:
    """Status, headers and JSON of a POST, whatever the status."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/octet-stream"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as exc:
        return exc.code, dict(exc.headers), json.loads(exc.read())
