"""Where labels point, what they keep, and where they return."""

from pathlib import Path

import pytest

from store.errors import InvalidLabelError, ManifestError, ReservedLabelError
from store.labels import LABELS_FILE, Labels, check_label


def test_a_model_without_the_file_has_no_labels(tmp_path: Path) -> None:
    assert Labels.read(tmp_path) == Labels.read(tmp_path / "missing") == Labels()
    assert Labels().served([1, 3, 2]) == {3}
    assert Labels().served([]) == set()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "EOF"),
        ('{"versions": {"stable": -1}}', "stable"),
        ('{"versions": {"Stable Version": 1}}', "pattern"),
        ('{"versions": {"7": 1}}', "pattern"),
        ('{"surprise": 1}', "surprise"),
        ('{"schema_version": 2}', "schema_version"),
    ],
)
def test_a_damaged_file_is_no_labels(tmp_path: Path, document: str, words: str) -> None:
    (tmp_path / LABELS_FILE).write_text(document)
    with pytest.raises(ManifestError, match=words) as caught:
        Labels.read(tmp_path)
    assert LABELS_FILE in str(caught.value)


@pytest.mark.parametrize("label", ["", "7", "7th", "Stable", "a b", "a/b", "a" * 65, "stable\n"])
def test_what_is_no_label(label: str) -> None:
    with pytest.raises(InvalidLabelError):
        check_label(label)


def test_a_reserved_word_is_no_label_and_says_so() -> None:
    with pytest.raises(ReservedLabelError, match=r"'newest' is a reserved word and no label: .*; reserved: newest$"):
        check_label("newest")


def test_what_is_a_label() -> None:
    assert [check_label(label) for label in ("stable", "v1.2-rc_3", "a" * 64)]


def test_a_document_reads_back(tmp_path: Path) -> None:
    labels = Labels(versions={"stable": 2}, before={"stable": (1,)}, checked=3)
    (tmp_path / LABELS_FILE).write_bytes(labels.document())
    assert Labels.read(tmp_path) == labels


def test_what_is_kept_is_what_labels_need() -> None:
    labels = Labels(versions={"stable": 5, "canary": 8}, before={"stable": (1, 3)}, checked=7)
    assert labels.kept == {5, 8, 3, 7}
    assert labels.served([1, 3, 5, 7, 9]) == {3, 5, 7, 9}  # 8 is gone, 9 is the newest


def test_a_label_goes_back_the_way_it_came() -> None:
    everything = range(10)
    labels = Labels().moved("stable", 1)
    assert labels.return_of("stable", everything) is None
    labels = labels.moved("stable", 2).moved("stable", 4)
    assert labels.return_of("stable", everything) == 2
    labels = labels.returned("stable", 2)
    assert (labels.versions, labels.return_of("stable", everything)) == ({"stable": 2}, 1)
    labels = labels.returned("stable", 1)
    assert labels.return_of("stable", everything) is None
    assert labels.return_of("canary", everything) is None


def test_a_label_passes_over_versions_that_are_gone() -> None:
    labels = Labels().moved("stable", 1).moved("stable", 2).moved("stable", 3)
    assert labels.return_of("stable", [1, 3]) == 1
    assert labels.returned("stable", 1).before == {"stable": ()}


def test_a_label_that_is_taken_away_leaves_nothing() -> None:
    labels = Labels().moved("stable", 1).moved("canary", 2).moved("canary", 3).without("canary")
    assert labels == Labels(versions={"stable": 1})
    assert labels.return_of("canary", range(10)) is None
    assert labels.without("stable").kept == frozenset()


def test_labels_move_by_themselves() -> None:
    labels = Labels().moved("stable", 1).moved("canary", 2).moved("stable", 2)
    assert labels.versions == {"stable": 2, "canary": 2}
    assert labels.of(2) == ["canary", "stable"]
    assert labels.before == {"stable": (1,)}


def test_what_was_before_is_bounded() -> None:
    labels = Labels()
    for version in range(100):
        labels = labels.moved("stable", version)
    assert len(labels.before["stable"]) == 16
    assert labels.return_of("stable", range(100)) == 98
