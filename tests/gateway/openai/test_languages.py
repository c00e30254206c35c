"""Languages by their English names."""

import pytest

from gateway.dialects.openai.languages import code_of
from models.whisper_tokens import MULTILINGUAL


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("English", "en"),
        (" german ", "de"),
        ("haitian creole", "ht"),
        ("haitian", "ht"),
        ("castilian", "es"),
        ("cantonese", "yue"),
        ("klingon", "klingon"),
        ("Xx", "Xx"),
        ("", ""),
    ],
)
def test_a_name_stands_for_its_code(said: str, code: str) -> None:
    assert code_of(said) == code


def test_all_languages_of_whisper_have_a_name() -> None:
    assert {code_of(code.upper()) for code in MULTILINGUAL.languages} == set(MULTILINGUAL.languages)
