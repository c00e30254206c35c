"""A TF1 session with a SavedModel loaded into it: what TensorFlow Serving itself makes of one.

What it needs of TensorFlow (1 s, 450 MB) is imported by the first load, not before.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from serving.errors import Code, LoadError
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.quiet import import_sessions_quietly
from wire.cores import usable_cores
from wire.imports import folder_of

CALLER = -1  # `RunOptions.inter_op_thread_pool`: run every op in the thread that calls

_NOT_REGISTERED = "Op type not registered"
_TEXT_PACKAGE = "tensorflow-text"


def load_session(folder: Path, options: RuntimeOptions) -> tuple[Any, Any]:
    """A `tf.compat.v1.Session` and the `MetaGraphDef` in it; the caller closes the session.

    Raises:
        LoadError: there is no SavedModel, none with these tags, or it cannot be read.
    """
    if not any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
        raise LoadError(
            Code.NOT_FOUND, f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}"
        )
    try:
        try:
            return _load(folder, options)
        except Exception as exc:
            if _NOT_REGISTERED not in str(exc):
                raise
            _register_text_ops(exc)
            return _load(folder, options)
    except LoadError:
        raise
    except Exception as exc:  # the loader raises OSError, ValueError, RuntimeError, OpError and more on bad files
        raise _load_error(exc, options) from exc


def default_intra_op_threads() -> int:
    """Half the cores: callers come side by side, and on small graphs an op's threads cost more than they bring.

    On two cores, one thread against two: an MNIST CNN alone 2.7 times faster, with four callers 3.6 times; a
    MobileNetV2 alone and with four callers the same; its batches of 32, one after another, 1.7 times slower.
    """
    return max(1, usable_cores() // 2)


def _load(folder: Path, options: RuntimeOptions) -> tuple[Any, Any]:
    import_sessions_quietly()
    from tensorflow.core.protobuf import config_pb2
    from tensorflow.python.client.session import Session
    from tensorflow.python.framework.ops import Graph
    from tensorflow.python.platform import tf_logging
    from tensorflow.python.saved_model import loader_impl

    tf_logging.get_logger().setLevel("ERROR")  # each load would warn that the TF1 loader is deprecated
    session = Session(graph=Graph(), config=_config(options, config_pb2.ConfigProto))
    try:
        # Files that hang then hang this thread. TensorFlow's own pool is the process', and has few threads.
        session.run = partial(session.run, options=config_pb2.RunOptions(inter_op_thread_pool=CALLER))
        with session.graph.as_default():
            meta_graph = loader_impl.load(session, list(options.tags), str(folder))
        del session.run
        session._extend_graph()  # noqa: SLF001 (our runs skip what Session.run does first)
    except BaseException:
        session.close()
        raise
    return session, meta_graph


def _config(options: RuntimeOptions, config_of: Callable[[], Any]) -> Any:
    config = config_of()
    config.MergeFromString(options.session_config)
    if options.intra_op_threads or not config.intra_op_parallelism_threads:
        config.intra_op_parallelism_threads = options.intra_op_threads or default_intra_op_threads()
    if options.inter_op_threads:
        config.inter_op_parallelism_threads = options.inter_op_threads
    return config


def _register_text_ops(exc: Exception) -> None:
    """The libraries of TF Text, in this process for good: a moment that only models with its ops should cost. Its
    Python parts would import all of TensorFlow and Keras."""
    from tensorflow.python.framework import load_library

    folder = folder_of("tensorflow_text")
    if folder is None:
        raise LoadError(
            Code.NOT_FOUND,
            f"{_message(exc)}; if the op is one of TF Text, install the package {_TEXT_PACKAGE} beside TensorFlow, of "
            "the same version",
        ) from exc
    load_library.load_library(str(folder / "python" / "ops"))


def _load_error(exc: Exception, options: RuntimeOptions) -> LoadError:
    """The code and the words that TensorFlow Serving has for what the Python loader raises."""
    message = _message(exc)
    if message.startswith("MetaGraphDef associated with tags"):
        return LoadError(
            Code.NOT_FOUND,
            f"Could not find meta graph def matching supplied tags: {{ {' '.join(options.tags)} }}. To inspect "
            "available tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`",
        )
    if (code := getattr(exc, "error_code", None)) is not None:
        return LoadError(Code(code), message)
    if isinstance(exc, OSError):  # saved_model.pb does not parse
        return LoadError(Code.DATA_LOSS, message)
    if isinstance(exc, RuntimeError | ValueError):  # no checkpoint, an unknown op
        return LoadError(Code.NOT_FOUND, message)
    return LoadError(Code.UNKNOWN, message)


def _message(exc: Exception) -> str:
    return getattr(exc, "message", None) or str(exc)
