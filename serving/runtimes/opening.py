"""How a version is opened, from the settings: its LiteRT twin where it proves itself, else the SavedModel.

A SavedModel that our export made must prove itself too.
"""

import logging
from functools import partial
from pathlib import Path

from serving.errors import TwinError
from serving.runtimes.litert import LiteRT
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.proof import prove_version
from serving.runtimes.provenance import check_manifest, manifest_of
from serving.runtimes.runtime import Runtime
from serving.runtimes.saved_model import SavedModel
from serving.settings import ServeSettings
from serving.text_proto import read_text_proto
from store.layout import VersionDir
from store.manifest import Manifest
from wire import messages

_log = logging.getLogger(__name__)


def open_runtime(folder: Path, options: RuntimeOptions) -> Runtime:
    """The version in `folder`; the caller closes it.

    Raises:
        LoadError: it cannot be loaded, is not what was exported, or answers otherwise than its export recorded.
    """
    manifest = manifest_of(VersionDir(folder))
    runtime = _open(folder, options, manifest)
    try:
        if manifest is not None:
            check_manifest(manifest, runtime)
    except BaseException:
        runtime.close()
        raise
    return runtime


def _open(folder: Path, options: RuntimeOptions, manifest: Manifest | None) -> Runtime:
    open_saved_model = partial(_open_saved_model, folder, options, manifest)
    if options.litert and VersionDir(folder).twin.is_dir():
        try:
            return LiteRT(folder, options, manifest.recorded if manifest else 0, open_saved_model)
        except TwinError as exc:
            _log.warning("%s: its LiteRT twin is not used, the SavedModel is: %s", folder, exc)
    return open_saved_model()


def _open_saved_model(folder: Path, options: RuntimeOptions, manifest: Manifest | None) -> Runtime:
    runtime = SavedModel(folder, options)
    try:
        if manifest is not None:  # whoever logged the requests of others' versions may have used another machine
            prove_version(VersionDir(folder), runtime, manifest.recorded)
    except BaseException:
        runtime.close()
        raise
    return runtime


def runtime_options(settings: ServeSettings) -> RuntimeOptions:
    """Reads the settings' file of session options.

    Raises:
        ConfigFileError: it cannot be read, or is not a text `tensorflow.ConfigProto`.
    """
    return RuntimeOptions(
        tags=tuple(settings.saved_model_tags.split(",")),
        intra_op_threads=settings.intra_op_threads,
        inter_op_threads=settings.inter_op_threads,
        session_config=_session_config(settings),
        xla=settings.xla_cpu_compilation_enabled,
        litert=settings.litert_runtime,
    )


def _session_config(settings: ServeSettings) -> bytes:
    path = settings.tensorflow_session_config_file
    if path is None:
        return b""
    serialized: bytes = read_text_proto(path, messages.message("tensorflow.ConfigProto")).SerializeToString()
    return serialized
