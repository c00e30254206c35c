"""The fresh process notices a model that answers otherwise, and a document that is not what was written."""

from pathlib import Path

import numpy as np
import pytest

from export.errors import ReloadError
from export.goldens import CheckedGolden
from export.reload import check_reload
from processing.spec import parse_spec
from store.golden import read_goldens
from store.layout import VersionDir
from store.manifest import Manifest


@pytest.mark.parametrize(
    ("off_by", "documents", "message"),
    [(0.01, {}, "golden 0: logits differ"), (0.0, {"manifest": b"other"}, "section manifest")],
)
def test_a_difference_is_named(
    exported: Path, tmp_path: Path, *, off_by: float, documents: dict[str, bytes], message: str
) -> None:
    import tensorflow as tf

    manifest = Manifest.read(VersionDir(exported).manifest)
    name = parse_spec(manifest.processing).input
    inputs = np.ones((1, 28, 28, 1), np.uint8) if name == "image" else np.array([[5, 6, 7]], np.int32)
    serve = tf.saved_model.load(str(exported)).signatures["serving_default"]
    logits = serve(**{name: tf.constant(inputs)})["logits"].numpy()
    golden = CheckedGolden(read_goldens(VersionDir(exported).golden)[0], inputs, logits + np.float32(off_by))
    with pytest.raises(ReloadError, match=message):
        check_reload(exported, tmp_path / "checks.npz", name, [golden], documents)
