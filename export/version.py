"""Writes a version of a trained model: SavedModel, manifest, goldens, card; checked before it counts."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal

from export.archive import write_saved_model
from export.batch_safety import write_batching_parameters
from export.draft import Draft, draft
from export.errors import TwinError
from export.explain import EXPLAIN_SIGNATURE, check_explanations
from export.extra import write_evidence, write_extra
from export.goldens import CheckedGolden
from export.portability import check_portable
from export.records import document_records
from export.reload import check_reload
from export.trained import Trained
from export.twin import keep_winner, twin_model, write_twin
from export.warm_up import warm_up_records, write_warm_up
from store.layout import VersionDir

_log = logging.getLogger(__name__)

_STAGING = ".exporting-"

Runtime = Literal["litert", "saved_model"]


def export_version(trained: Trained, target: Path, *, runtime: Runtime = "litert") -> None:
    """Makes the folder `target`, which `store.publish` takes. It appears by a rename, after its answers were checked
    in a fresh process; an older export there is replaced. On failure `target` is as it was. One caller at a time:
    what a killed one left beside `target` is cleared away.

    Args:
        runtime: `litert`: with a twin for CPUs, if it answers alike and faster; `saved_model`: without.

    Raises:
        ExportError: the weights, the preprocessing, the goldens or the reloaded answers are not as they should be.
    """
    made = draft(trained)
    for left in target.parent.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=target.parent) as folder:
        staging = Path(folder) / "version"
        version = VersionDir(staging)
        _write(made, trained, version)
        if runtime == "litert":
            with _or_without():
                _write_twin(made, version)
        records = [*chain(*made.records.values()), *document_records(made.documents)]
        race = check_reload(staging, Path(folder), records, twin_model(version))
        if race:
            with _or_without():
                keep_winner(version, race)
        if EXPLAIN_SIGNATURE in made.records:
            explained = (golden for golden in made.goldens if isinstance(golden, CheckedGolden))
            check_explanations((record.outputs for record in made.records[EXPLAIN_SIGNATURE]), explained)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)


def _write(made: Draft, trained: Trained, version: VersionDir) -> None:
    write_saved_model(version.path, made.model, made.serve, made.documents, made.others, tracked=made.tracked)
    check_portable(version.path)
    write_extra(version, made.goldens, made.documents, made.comparisons)
    write_evidence(version, trained.evidence)
    records = warm_up_records(made.records, made.goldens, slow=made.kind.slow)
    write_warm_up(version.warm_up, trained.spec.name, records)
    write_batching_parameters(version.batching_parameters, made.batching)


def _write_twin(made: Draft, version: VersionDir) -> None:
    if made.kind.no_twin:
        raise TwinError(made.kind.no_twin)
    rows = made.kind.held_out(made.preprocess)
    write_twin(version, made.serve, made.goldens, made.documents, pad=made.pad, held_out=rows)


@contextmanager
def _or_without() -> Iterator[None]:
    """With a warning where there is no twin: model servers then run the SavedModel."""
    try:
        yield
    except TwinError as exc:
        _log.warning("the version goes without a LiteRT twin: %s", exc)
