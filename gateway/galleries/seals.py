"""How what is known of people is sealed: AES-256-GCM. Without a key nothing can be read, and nothing changed."""

import base64
import hashlib
import hmac
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.galleries.errors import GalleryKeyError
from gateway.galleries.settings import KEY_BYTES, key_of

FILE = "galleries.keys"  # in the folder `state`

_NONCE_BYTES = 12  # drawn by lot: NIST SP 800-38D allows 2³² of them for a key


@dataclass(frozen=True)
class _Key:
    """`id` says which key it is and nothing about it."""

    id: str
    cipher: AESGCM
    signing: bytes

    @classmethod
    def of(cls, key: bytes) -> Self:
        told = hmac.digest(key, b"kmaas galleries: which key", hashlib.sha256).hex()[:16]
        return cls(told, AESGCM(key), hmac.digest(key, b"kmaas galleries: receipts", hashlib.sha256))


class Seals:
    """The keys at one moment, the newest first: that one seals, every one opens. Immutable."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {key.id: key for key in map(_Key.of, keys)}

    @property
    def newest(self) -> str:
        return next(iter(self._keys))

    def seal(self, content: bytes, of: str) -> bytes:
        """By the newest key. What is sealed `of` one thing is opened of no other."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._keys[self.newest].cipher.encrypt(nonce, content, of.encode())

    def open(self, key: str, sealed: bytes, of: str) -> bytes:
        """Raises `GalleryKeyError` where that key is not there, or it was changed since."""
        try:
            return self._key(key).cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], of.encode())
        except InvalidTag as exc:
            raise GalleryKeyError("it was changed since it was sealed") from exc

    def sign(self, document: bytes) -> str:
        """HMAC-SHA256 by the newest key."""
        return hmac.digest(self._keys[self.newest].signing, document, hashlib.sha256).hex()

    def verifies(self, key: str, document: bytes, signature: str) -> bool:
        """Raises `GalleryKeyError` where that key is not there."""
        expected = hmac.digest(self._key(key).signing, document, hashlib.sha256).hex()
        return hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))

    def _key(self, key: str) -> _Key:
        found = self._keys.get(key)
        if found is None:
            raise GalleryKeyError(f"the key {key} is not among those of this gateway")
        return found


class KeyRing:
    """Where the keys are: in the settings, or in a file of the folder `state`, one a line, the newest first. The file
    is made when it is first needed, and read anew each time, so that every worker knows a key that was added."""

    def __init__(self, given: Sequence[str], state: Path) -> None:
        """`given`: in base64, the newest first."""
        self._given = tuple(key for key in map(key_of, given) if key is not None)
        self._path = state / FILE

    def seals(self) -> Seals:
        """Raises `GalleryKeyError` where the keys cannot be had, or others than the gateway could."""
        if self._given:
            return Seals(self._given)
        try:
            if not self._path.exists():
                self._make()
            return Seals(_read(self._path))
        except OSError as exc:
            raise GalleryKeyError(f"{FILE}: {exc.strerror or exc}") from exc

    def _make(self) -> None:
        """Another worker may do so, too: the first one's stays."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f".{FILE}.{uuid4().hex}")
        opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(opened, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            os.fsync(opened)
        finally:
            os.close(opened)
        try:
            os.link(partial, self._path)
        except FileExistsError:
            pass
        finally:
            partial.unlink()


def _read(path: Path) -> list[bytes]:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise GalleryKeyError(f"{FILE} can be read by other users; chmod 600 it")
    keys = [key_of(line) for line in path.read_text("ascii", errors="replace").split()]
    if not keys or None in keys:
        raise GalleryKeyError(f"{FILE} has a line that is no key; expected {KEY_BYTES} bytes in base64 in each")
    return [key for key in keys if key is not None]
