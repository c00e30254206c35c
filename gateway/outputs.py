"""Whether a model server's tensors are what the version's manifest promises."""

from gateway.errors import BrokenAnswerError
from gateway.tasks.base import Tensors
from store.manifest import SignatureSpec

_ANY = -1


def check_outputs(spec: SignatureSpec | None, outputs: Tensors) -> None:
    """Raises `BrokenAnswerError`: one is missing, or has another shape. Of a signature that it does not name, a
    manifest promises nothing.
    """
    for name, expected in spec.outputs.items() if spec else ():
        array = outputs.get(name)
        if array is None:
            raise BrokenAnswerError(f"the model answered without {name!r}; it answered {sorted(outputs)}")
        shape = array.shape
        if len(shape) != len(expected.shape) or any(
            wanted not in (_ANY, size) for wanted, size in zip(expected.shape, shape, strict=True)
        ):
            raise BrokenAnswerError(
                f"the model answered {name} of shape {list(shape)}; expected {list(expected.shape)}, where -1 is any"
            )
