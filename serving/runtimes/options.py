"""How versions are opened: the part of the settings that runtimes know."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RuntimeOptions:
    """Attributes:

    tags: the tag set of the MetaGraph to load; must be one's exactly.
    intra_op_threads: threads of one TensorFlow op, 0 for half the cores. The first load decides for the process.
    inter_op_threads: TensorFlow ops side by side in its pool, 0 for TensorFlow's choice; decided like the others.
    session_config: a serialized `tensorflow.ConfigProto`, on which the two above are laid.
    xla: let graphs compile that ask for XLA.
    litert: run a version's LiteRT twin where it proves itself.
    """

    tags: tuple[str, ...] = ("serve",)
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    session_config: bytes = b""
    xla: bool = False
    litert: bool = True
