"""Records tell when one of them was changed, left out or put in; and who signed."""

import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from store.errors import ManifestError, RecordError, SigningKeyError, StoreError, UnsignedLabelsError
from store.labels import LABELS_FILE, Labels
from store.layout import Store
from store.records import NO_RECORD, record_path
from store.signing import Signer, public_key_path, verified
from tests.support.decided import label, published


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.at(tmp_path / "key.pem")


@pytest.fixture
def store(tmp_path: Path, signer: Signer) -> Store:
    """With four records."""
    made = published(tmp_path / "store", tmp_path / "export", 3)
    for version in (1, 2, 3, 2):
        label(made, "digits", version, signer)
    return made


def check(store: Store, *trusted: str) -> int:
    base = store.base("digits")
    return len(verified(base, Labels.read(base), trusted))


def rewrite(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))


def test_records_as_they_were_written(store: Store, signer: Signer) -> None:
    assert check(store) == check(store, signer.name) == 4
    rewrite(record_path(store.base("digits"), 2))  # laid out otherwise, the same document
    assert check(store) == 4


Tamper = Callable[[Path], object]


def returning(base: Path, versions: list[int] | None) -> None:
    """As whoever knows that the last record tells where `stable` returns would have it: the same in all places."""
    before = None if versions is None else {"stable": versions}
    rewrite(record_path(base, 4), before=before)
    record = json.loads(record_path(base, 4).read_bytes())
    rewrite(base / LABELS_FILE, before=before or {}, record=record)


@pytest.mark.parametrize(
    ("tamper", "error", "words"),
    [
        (lambda base: rewrite(record_path(base, 2), version=3), RecordError, "record 2 of digits .* its signature"),
        (lambda base: rewrite(record_path(base, 2), at="2020-01-01T00:00:00Z"), RecordError, "record 2 of digits"),
        (lambda base: rewrite(record_path(base, 3), previous="0" * 64), RecordError, "record 3 of digits .* follows"),
        (lambda base: rewrite(record_path(base, 3), signature="no base64!"), RecordError, "record 3 .* signature"),
        (lambda base: rewrite(record_path(base, 3), signature=""), RecordError, "record 3 .* signature"),
        (lambda base: rewrite(record_path(base, 1), surprise=1), ManifestError, r"(?s)00000001\.json .*surprise"),
        (lambda base: record_path(base, 2).unlink(), ManifestError, r"00000002\.json"),
        (lambda base: record_path(base, 3).replace(record_path(base, 2)), ManifestError, "00000003"),
        (
            lambda base: record_path(base, 2).write_bytes(record_path(base, 3).read_bytes()),
            RecordError,
            "record 2 of digits .* number 3",
        ),
        (lambda base: rewrite(record_path(base, 4), version=1), ManifestError, "00000004.* not the record that"),
        (
            lambda base: record_path(base, 5).write_bytes(record_path(base, 4).read_bytes()),
            ManifestError,
            "00000005.* know of 4 records only",
        ),
        (
            lambda base: rewrite(base / LABELS_FILE, versions={"stable": 3}),
            UnsignedLabelsError,
            r"after record 4 the labels are \{'stable': 2\}, and they are \{'stable': 3\}; .* --force --reason",
        ),
        (
            lambda base: rewrite(base / LABELS_FILE, before={"stable": [1, 2, 1]}),
            UnsignedLabelsError,
            "after record 4 a rollback returns stable to 3, 2, 1, and it would return stable to 1, 2, 1; ",
        ),
        (lambda base: rewrite(base / LABELS_FILE, before={}), UnsignedLabelsError, "it would return nothing; "),
        (lambda base: returning(base, [1]), RecordError, "record 4 of digits .* its signature"),
        (lambda base: returning(base, None), RecordError, "record 4 of digits .* its signature"),
        (lambda base: [path.unlink() for path in base.glob("records/*.pem")], RecordError, r"record 1 .*\.pem"),
        (lambda base: [path.write_text("no key") for path in base.glob("records/*.pem")], RecordError, "record 1"),
    ],
)
def test_what_was_changed_is_found(store: Store, tamper: Tamper, error: type[StoreError], words: str) -> None:
    tamper(store.base("digits"))
    with pytest.raises(error, match=words):
        check(store)


def test_records_of_an_older_kmaas_do_not_say_where_a_rollback_returns(store: Store, signer: Signer) -> None:
    """They are as they were signed, and the next decision says it."""
    base = store.base("digits")
    records, previous = [], NO_RECORD
    for record in verified(base, Labels.read(base)):
        older = record.model_copy(update={"before": None, "previous": previous})
        assert b"before" not in older.body
        records.append(signer.sign(older))
        previous = records[-1].sha256
        record_path(base, record.number).write_bytes(records[-1].document())
    rewrite(base / LABELS_FILE, record=json.loads(records[-1].document()))
    assert check(store) == 4
    rewrite(base / LABELS_FILE, before={"stable": [1]})
    assert check(store) == 4
    label(store, "digits", 1, signer)
    assert check(store) == 5
    rewrite(base / LABELS_FILE, before={"stable": [1]})
    with pytest.raises(UnsignedLabelsError, match="after record 5 a rollback returns stable to 2, 1, and it would"):
        check(store)


def test_a_forged_chain_is_told_by_its_key(store: Store, signer: Signer, tmp_path: Path) -> None:
    """Whoever can write to the store can sign with a key of his own."""
    forger = Signer.at(tmp_path / "forger.pem")
    label(store, "digits", 3, forger)
    assert check(store) == 5
    with pytest.raises(RecordError, match=f"record 5 of digits .* its key {forger.name} is not one of those trusted"):
        check(store, signer.name)


def test_another_key_under_a_known_name_is_found(store: Store, signer: Signer, tmp_path: Path) -> None:
    other = Signer.at(tmp_path / "other.pem")
    public_key_path(store.base("digits"), signer.name).write_bytes(other.public)
    with pytest.raises(RecordError, match=f"expected the public key {signer.name}"):
        check(store)


def test_a_key_is_made_once_and_is_its_owner_s(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "key.pem"
    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(lambda _: Signer.at(path).name, range(8)))
    assert names == {Signer.at(path).name}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["key.pem"]


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    garbage, rsa = tmp_path / "garbage.pem", tmp_path / "rsa.pem"
    garbage.write_text("-----BEGIN PRIVATE KEY-----")
    made = generate_private_key(65537, 2048)
    rsa.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for path, words in ((garbage, "not a usable key"), (rsa, "RSA"), (tmp_path, "Is a directory")):
        with pytest.raises(SigningKeyError, match=words):
            Signer.at(path)
