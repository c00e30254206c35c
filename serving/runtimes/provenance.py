"""Whether a version is of our export; if it is, its files and its manifest must be those that were exported."""

import logging
from itertools import islice
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from serving.errors import Code, LoadError, RequestError
from serving.runtimes.runtime import Runtime
from store.contents import check_contents
from store.difference import differences
from store.errors import ManifestError, StoreError
from store.golden import INDEX
from store.layout import VersionDir
from store.manifest import Manifest, is_anothers
from wire import messages

_SIGNATURE = "manifest"
_INPUTS, _OUTPUTS = {"section"}, {"document"}  # of that signature, in every export of ours

_SHOWN = 5  # fields

_log = logging.getLogger(__name__)


def manifest_of(version: VersionDir) -> Manifest | None:
    """The manifest of a version of ours, whose files are as it says; None for a version that others made.

    Raises:
        LoadError: a version of ours has no manifest, or a damaged one, or a file is not what was exported.
    """
    try:
        manifest = _manifest(version)
        if manifest is not None:
            check_contents(version, manifest.files)
    except StoreError as exc:
        raise LoadError(Code.DATA_LOSS, f"{exc}; export the version again", final=True) from exc
    except OSError as exc:  # a copy that is not complete yet has the same look
        raise LoadError(Code.DATA_LOSS, f"a file of the version cannot be read: {exc}") from exc
    if manifest is not None and not manifest.files:
        _log.warning("%s was exported by an older kmaas: its files are not compared with those of then", version.path)
    return manifest


def check_manifest(manifest: Manifest, runtime: Runtime) -> None:
    """Compares it with its copy in the graph, where there is one.

    Raises:
        LoadError: they tell different things, or the copy cannot be read.
    """
    if not _is_told_by(runtime.signatures.get(_SIGNATURE)):
        return
    try:
        (answer,) = runtime.run(_SIGNATURE, {"section": np.array([b"manifest"], object)}, ["document"], None)
        told = Manifest.parse(answer[0], where="the graph's manifest")
    except RequestError as exc:
        raise LoadError(exc.code, f"the graph's manifest cannot be asked for: {exc.message}") from exc
    except ManifestError as exc:
        raise LoadError(Code.DATA_LOSS, f"{exc}; export the version again", final=True) from exc
    if fields := [difference.field for difference in islice(differences(manifest, told), _SHOWN)]:
        raise LoadError(
            Code.DATA_LOSS,
            f"manifest.json is not what was exported: it differs from the graph's in {', '.join(fields)}; export the "
            "version again",
            final=True,
        )


def _manifest(version: VersionDir) -> Manifest | None:
    try:
        document = version.manifest.read_bytes()
    except FileNotFoundError:
        if _is_ours(version):
            raise
        return None
    try:
        return Manifest.parse(document, where=version.manifest)
    except ManifestError as exc:
        if not is_anothers(document) or _is_ours(version):
            raise
        _log.warning("the answers recorded in %s are not compared: %s", version.path, exc)
        return None


def _is_ours(version: VersionDir) -> bool:
    """By the rest of it: goldens, or the signature that answers with the manifest."""
    if (version.golden / INDEX).exists():
        return True
    try:
        saved = messages.SavedModel.FromString((version.path / "saved_model.pb").read_bytes())
    except (OSError, DecodeError):
        return False  # it will not load
    return any(_is_told_by(meta_graph.signature_def.get(_SIGNATURE)) for meta_graph in saved.meta_graphs)


def _is_told_by(signature: Any) -> bool:
    return bool(signature) and signature.inputs.keys() == _INPUTS and signature.outputs.keys() == _OUTPUTS
