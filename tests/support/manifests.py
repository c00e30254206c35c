"""A manifest that fits the schema, and an export folder around it."""

from datetime import UTC, datetime
from pathlib import Path

from store.contents import seal
from store.layout import VersionDir
from store.manifest import Batching, Manifest, Metric, Origin, Parity, SignatureSpec, TensorSpec

PARITY = Parity(between=("training", "gateway"), inputs=64, unit="levels", mean=0, largest=0, allowed=8)


def manifest(model: str = "digits") -> Manifest:
    tensor = TensorSpec(dtype="uint8", shape=(-1, 28, 28, 1))
    return Manifest(
        model=model,
        task="image-classification",
        description="Digits.",
        created=datetime(2026, 1, 2, tzinfo=UTC),
        digest="0" * 64,
        origins=(Origin(licence="CC0-1.0", source="made up"),),
        data_sha256="0" * 64,
        code_commit="0" * 40,
        frameworks={"keras": "3.15.0"},
        parameters=10,
        signatures={"serving_default": SignatureSpec(inputs={"image": tensor}, outputs={"logits": tensor})},
        processing={"kind": "image"},
        labels=("0", "1"),
        metrics=(Metric(name="accuracy", value=0.5, data="none", rows=2),),
        parity=(PARITY,),
        batching=Batching(sizes=(2, 64), largest=0, allowed=1e-4),
        recorded=8,
        goldens={"0": 4, "1": 4},
        files={"saved_model.pb": "0" * 64},
        run="run",
    )


def export_folder(folder: Path, model: str = "digits", *, weights: bytes = b"weights") -> Path:
    """What `publish` copies, except that its SavedModel is no SavedModel."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(weights)
    VersionDir(folder).extra.mkdir()
    seal(VersionDir(folder), manifest(model))
    return folder
