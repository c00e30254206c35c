"""What a translation leaves as it is: placeholders and mnemonics."""

import pytest

from processing.marks import PLACES, Marked, marked_pair, pieces


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Save %s as %PRODUCTNAME", "Save 0 as 1"),
        ("$(ARG1) of ${name}, {0}, {{x}}, %1$s", "0 of 1, 2, 3, 4"),
        ("%(count)d files, %d of %d", "0 files, 1 of 1"),
        ("See https://kmaas.org/a?b=1 or me@kmaas.org", "See 0 or 1"),
        ("<b>Bold</b> and 100% sure, 5 %d", "0Bold1 and 100% sure, 5 2"),
        ("page %1 of %2", "page 0 of 1"),
        ("a \ue000 of nobody's and \uf8ff", "a 0 of nobody's and 1"),
        ("50% discount, a < b, {not one}", "50% discount, a < b, {not one}"),
    ],
)
def test_placeholders_become_places_and_come_back(text: str, asked: str) -> None:
    marked = Marked.of(text)
    assert marked is not None
    shown = "".join(str(PLACES.index(letter)) if letter in PLACES else letter for letter in marked.text)
    assert shown == asked
    assert marked.as_in(marked.text)
    assert marked.restored(marked.text) == text


def test_an_answer_with_other_places_is_told_and_shows_none() -> None:
    marked = Marked.of("%s of %d")
    assert marked is not None
    one, other, third = list(PLACES[:3])
    assert marked.as_in(f"{other} y {one}")
    for wrong in (one, f"{one}{one}{other}", f"{one}{other}{third}"):
        assert not marked.as_in(wrong)
    assert marked.restored(f"{other} y {one}{third}") == "%d y %s"


def test_more_placeholders_than_places_are_for_pieces() -> None:
    text = " ".join(f"%{number}$s" for number in range(1, 10))
    assert Marked.of(text) is None
    assert "".join(piece for piece, _ in pieces(f"a {text} b")) == f"a {text} b"
    assert [piece for piece, is_placeholder in pieces(f"a {text} b") if is_placeholder] == text.split()


@pytest.mark.parametrize("shape", ["{n}", "%{n}", "%{n}$", "a@{n}", "{n}@", "{{{n}", "<a{n}", "$({n}", "http://{n}"])
@pytest.mark.parametrize("letter", ["a", "0", "1", ".", "-", "_"])
def test_an_endless_word_is_read_once(shape: str, letter: str) -> None:
    """Over and over again it would take minutes, in which nothing else runs."""
    text = shape.format(n=letter * 90_000)
    assert "".join(piece for piece, _ in pieces(text)) == text


def test_addresses_are_placeholders() -> None:
    text = "mail to me.too+x@example.co.uk, or see https://example.com/a?b=c"
    found = [piece for piece, is_placeholder in pieces(text) if is_placeholder]
    assert found == ["me.too+x@example.co.uk", "https://example.com/a?b=c"]


@pytest.mark.parametrize(
    ("text", "asked", "answer", "restored"),
    [
        ("~File", "File", "Fichier", "~Fichier"),
        ("Cl~ose", "Close", "Fermer le dossier", "Fermer le d~ossier"),
        ("_Save", "Save", "Enregistrer", "Enregi_strer"),
        ("_Exit", "Exit", "Gott", "_Gott"),
        ("~Quit", "Quit", "123", "123"),
        ("snake_case", "snake_case", "snake_case", "snake_case"),
        ("about ~5 or ~x and ~y", "about ~5 or ~x and ~y", "environ", "environ"),
    ],
)
def test_a_mnemonic_goes_before_the_same_letter_or_the_first(text: str, asked: str, answer: str, restored: str) -> None:
    marked = Marked.of(text)
    assert marked is not None
    assert marked.text == asked
    assert marked.restored(answer) == restored


def test_a_pair_has_the_same_places_or_is_none() -> None:
    one, other = list(PLACES[:2])
    assert marked_pair("%s of %d", "%d de %s") == (f"{one} of {other}", f"{other} de {one}")
    assert marked_pair("%s of %d", "%d") is None
    assert marked_pair("a", "un %s") is None
    assert marked_pair("Sa_ve", "_Enregistrer") == ("Save", "Enregistrer")
