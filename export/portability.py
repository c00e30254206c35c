"""Whether a stock TensorFlow Serving can run an exported graph, and answers a request alike every time.

What loads in Python may fail in a container: ops that need XLA, Python's functions, ops that only this process has,
files of this machine. What keeps state answers the second request otherwise than the first.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.errors import NotPortableError
from export.stock import stock_ops
from store.manifest import KEEPING_SIGNATURES
from wire import messages
from wire.graph import LOOPS, READERS, Step, everything, functions_of, needs_xla, node_of, reached

_INIT = "__saved_model_init_op"  # listed with the signatures; it fills tables when the version loads
_XLA = (
    "needs XLA, and a stock TensorFlow Serving answers `XLA compilation disabled`",
    "compute it without: no jit_compile, and keras.ops.scatter_update or where instead of slice_update",
)
_PYTHON = (
    "calls a Python function, which only this process has",
    "compute it with ops of keras.ops or tf, not with numpy_function or py_function",
)
_UNKNOWN = (
    "is an op of neither TensorFlow nor TF Text, so no stock TensorFlow Serving has it",
    "compute it with ops of keras.ops, tf or tensorflow_text",
)
_FILE = (
    "reads or writes a file that is not an asset of the version",
    "keep what it needs in a weight or a constant, or in a file under tf.saved_model.Asset",
)
_RANDOM = (
    "draws other random numbers for each request, whatever its seed",
    "call the layer with training=False, or draw with keras.random and a constant seed",
)
_STATE = ("keeps state from one request to the next", "compute it from the inputs and the weights alone")

_FILE_OPS = re.compile(
    r"(Read|Write)File|MatchingFiles(Dataset)?|\w*(Reader|ReaderV2)|(Load|Save)Dataset(V2)?|LoadAndRemapMatrix"
    r"|(Experimental)?(TextLine|TFRecord|FixedLengthRecord|CSV|LMDB|Sql)Dataset(V2)?|(Save|Restore)(V2|Slices?)?"
    r"|MergeV2Checkpoints|InitializeTableFromTextFile(V2)?|CreateSummary\w+Writer|RecordInput"
)
# The ops that may read an asset, and which of their inputs is its name.
_FILE_NAME_AT = {"ReadFile": 0, "InitializeTableFromTextFile": 1, "InitializeTableFromTextFileV2": 1}

_PYTHON_OPS = re.compile(r"PyFunc|EagerPyFunc|PyFuncStateless")
# Ops that a graph may have and no answer should depend on; what they do, and the way out.
_SURPRISES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"Assign(Add|Sub)?(VariableOp)?|Resource(Scatter|Apply|SparseApply|Strided|CountUp)\w*"
                   r"|Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)|RngReadAndSkip|RngSkip|Stateful(?!Part)\w*"),
        "changes a variable, so that the next request is answered otherwise",
        "call the layer with training=False",
    ),
    (
        re.compile(r"LookupTable(Insert|Import|Remove)\w*|Mutable\w*Table\w*"),
        "changes a table, so that the next request is answered otherwise",
        "use a table that is filled when the version loads, e.g. tf.lookup.StaticHashTable",
    ),
    (
        re.compile(r"Print(V2)?|Debug\w*|\w*Summary|DumpTensor"),
        "writes to the server's output at every request",
        "leave it away",
    ),
    (re.compile(r"\w*Queue\w*|Barrier\w*|\w*Stage(Peek|Size|Clear)?|\w*Unstage\w*"), "is a queue", _STATE[1]),
    (re.compile(r"\w*Iterator\w*|\w*Dataset(V\d)?"), "reads a data set while it answers", _STATE[1]),
    (re.compile(r"Cudnn\w*"), "runs on a GPU only", "build the layer with use_cudnn=False"),
)  # fmt: skip
# What a signature that keeps something does: it waits until no other run is at work, looks at the clock, and writes.
_KEEPING = re.compile(r"MutexV2|MutexLock|ConsumeMutexLock|Timestamp|AssignVariableOp|ResourceScatterNdUpdate")
# Stateful by name, and without a trace.
_HARMLESS = re.compile(
    r"TensorArray\w*|CheckNumerics(V2)?|DeviceIndex|VariableShape|StatelessRandomGetAlg|DisableCopyOnRead|GuaranteeConst"
    r"|AnonymousHashTable|Sentencepiece\w*|WordpieceTokenizeWithOffsets"
)


@dataclass(frozen=True)
class _Place:
    """Where a step was found: by its signature, which may be one that `keeps`, at load, or in a function that nothing
    calls."""

    what: str
    answers: bool
    keeps: bool = False


def check_portable(folder: Path) -> None:
    """Scans every node and function of the SavedModel in `folder`.

    Raises:
        NotPortableError: names each op that does not do, its layer, and the way out.
    """
    saved = messages.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    found = [fault for meta_graph in saved.meta_graphs for fault in faults(meta_graph)]
    if found:
        raise NotPortableError(found)


def faults(meta_graph: Any) -> list[str]:
    """What is wrong with a `MetaGraphDef`, in words, each op of a layer once."""
    judge = _judge(meta_graph)
    found: dict[str, None] = {}
    for place, step in _steps(meta_graph):
        verdict = judge(step, place)
        if verdict is not None:
            reason, way_out = verdict
            found[f"{step.node.op} in {_layer(step)} ({place.what}) {reason}: {way_out}"] = None
    return list(found)


def _judge(meta_graph: Any) -> Callable[[Step, _Place], tuple[str, str] | None]:
    """What is wrong with a step, and the way out; None: nothing."""
    graph, ops = meta_graph.graph_def, stock_ops()
    functions = functions_of(graph)
    assets = {node_of(asset.tensor_info.name) for asset in meta_graph.asset_file_def}

    def judge(step: Step, place: _Place) -> tuple[str, str] | None:
        op = step.node.op
        if needs_xla(step.node, functions):
            return _XLA
        if _PYTHON_OPS.fullmatch(op):
            return _PYTHON
        if op in functions:
            return None
        if op not in ops:
            return _UNKNOWN
        if _FILE_OPS.fullmatch(op) and not _reads_asset(step, functions, assets):
            return _FILE
        if not place.answers or (place.keeps and _KEEPING.fullmatch(op)):
            return None
        return _surprise(op, ops[op])

    return judge


def _surprise(op: str, kind: str) -> tuple[str, str] | None:
    for pattern, reason, way_out in _SURPRISES:
        if pattern.fullmatch(op):
            return reason, way_out
    if kind == "random":
        return _RANDOM
    harmless = kind == "plain" or op in READERS | LOOPS or _HARMLESS.fullmatch(op) or _FILE_OPS.fullmatch(op)
    return None if harmless else _STATE


def _steps(meta_graph: Any) -> Iterator[tuple[_Place, Step]]:
    """Every node once for each signature it answers; those that only load or save; and those that nothing reaches.

    Reading the checkpoint is not told: what it does with files is TensorFlow Serving's own way.
    """
    graph = meta_graph.graph_def
    seen: set[tuple[str, str]] = set()
    for name, signature in sorted(meta_graph.signature_def.items()):
        if name != _INIT:
            feeds = [info.name for info in signature.inputs.values()]
            yield from _noted(
                _Place(f"signature {name}", answers=True, keeps=name in KEEPING_SIGNATURES),
                reached(graph, feeds, _names(signature.outputs)),
                seen,
            )
    saver = meta_graph.saver_def
    for step in reached(graph, [], [saver.save_tensor_name, saver.restore_op_name]):
        seen.add((step.function, step.node.name))
    if _INIT in meta_graph.signature_def:
        fetches = _names(meta_graph.signature_def[_INIT].outputs)
        yield from _noted(_Place("run at load", answers=False), reached(graph, [], fetches), seen)
    rest = (step for step in everything(graph) if (step.function, step.node.name) not in seen)
    yield from _noted(_Place("called by no signature", answers=False), rest, seen)


def _noted(place: _Place, steps: Iterable[Step], seen: set[tuple[str, str]]) -> Iterator[tuple[_Place, Step]]:
    for step in steps:
        seen.add((step.function, step.node.name))
        yield place, step


def _names(tensors: Any) -> list[str]:
    return [info.name for info in tensors.values()]


def _reads_asset(step: Step, functions: dict[str, Any], assets: Collection[str]) -> bool:
    """The file's name comes from the graph's assets, or into the function from outside, where assets are."""
    at = _FILE_NAME_AT.get(step.node.op)
    if at is None or at >= len(step.node.input):
        return False
    source = node_of(step.node.input[at])
    if not step.function:
        return source in assets
    return bool(assets) and all(node.name != source for node in functions[step.function].node_def)


def _layer(step: Step) -> str:
    """The Keras layer, whose scope is in the name of the node or, inside a loop's body, of the one that runs it."""
    for name in (step.node.name, *reversed(step.callers)):
        scope, slash, _ = name.rpartition("/")
        if slash:
            return f"layer {scope}"
    return f"function {step.function}" if step.function else "the graph itself"
