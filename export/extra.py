"""What lies beside a SavedModel in `assets.extra/`: manifest, goldens, card, parity and the evidence."""

import shutil
from collections.abc import Mapping, Sequence

from export.card import markdown, page
from export.evidence import model_card
from export.goldens import CheckedRequest
from export.parity import Comparison, document
from export.trained import Evidence, Trained
from store.contents import seal
from store.golden import dump_goldens, write_goldens
from store.layout import VersionDir
from store.manifest import Manifest


def documents_of(manifest: Manifest, goldens: Sequence[CheckedRequest], trained: Trained) -> dict[str, bytes]:
    """What the `manifest` signature answers, by section."""
    card = model_card(manifest, trained)
    plots = trained.evidence.plots if trained.evidence else {}
    documents = {
        "manifest": manifest.document(),
        "golden": dump_goldens([checked.golden for checked in goldens]),
        "card": markdown(card).encode(),
        "card_html": page(card, {name: path.read_bytes() for name, path in plots.items()}).encode(),
    }
    if trained.tokenizer is not None:
        documents["tokenizer"] = trained.tokenizer.encode()
    if trained.chat_template is not None:
        documents["chat_template"] = trained.chat_template.encode()
    return documents


def write_extra(
    version: VersionDir,
    goldens: Sequence[CheckedRequest],
    documents: Mapping[str, bytes],
    compared: Sequence[Comparison],
) -> None:
    """`documents` are those of `documents_of`."""
    version.extra.mkdir()
    seal(version, Manifest.parse(documents["manifest"]))
    write_goldens(version.golden, [checked.golden for checked in goldens])
    version.parity.write_bytes(document(compared))
    version.card.write_bytes(documents["card"])
    version.page.write_bytes(documents["card_html"])


def write_evidence(version: VersionDir, evidence: Evidence | None) -> None:
    """What the card was made from, so that two versions can be compared."""
    if evidence is None:
        return
    evidence.held_out.write(version.held_out)
    shutil.copyfile(evidence.measured, version.evaluation)
    version.plots.mkdir()
    for name, path in evidence.plots.items():
        shutil.copyfile(path, version.plots / f"{name}.png")
