"""Windows of long recordings, and tokens that become text with times."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel

from processing.errors import UnusableInputError
from processing.spec import ANY_LANGUAGE, SpeechSpec, parse_spec
from processing.speech import Passage, Transcriber, Window, Written, windows
from tests.support.speech_spec import BEFORE, END, NO, PLAIN, SPEC, START, TIME, YES

RATE = 1000


def _transcriber(**changes: Any) -> Transcriber:
    tokenizer = Tokenizer(WordLevel({" yes": YES, " no": NO, "<end>": END}, unk_token="<end>"))
    tokenizer.add_special_tokens(["<end>"])
    tokenizer.decoder = Fuse()
    return Transcriber(tokenizer.to_str(), SPEC.model_copy(update=changes))


TRANSCRIBER = _transcriber()


def _noise(seconds: float) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-0.5, 0.5, int(seconds * RATE)).astype(np.float32)


def _window(start_s: float = 0.0, end_s: float = 3.0) -> Window:
    return Window(start_s, end_s, _noise(end_s - start_s))


def test_a_spec_is_read_as_it_is_kept() -> None:
    assert parse_spec(json.loads(SPEC.model_dump_json())) == SPEC


def test_what_steers_a_model_is_told_all_together() -> None:
    steering = ("no_times_id", "previous_id", "first_time_id", "time_step_s")
    plain = SPEC.model_dump() | dict.fromkeys(steering)
    assert SpeechSpec.model_validate(plain).steering is None
    for name in steering:
        with pytest.raises(ValidationError, match="are all there, or none is"):
            SpeechSpec.model_validate(plain | {name: 3})
    for steered in ({"transcribe_id": 3}, {"translate_id": 3}, {"language": None, "languages": {"de": 3}}):
        with pytest.raises(ValidationError, match="is told no language and no task"):
            SpeechSpec.model_validate(plain | steered)


def test_a_window_ends_where_it_is_quietest_in_its_last_third() -> None:
    """A pause from 2.5 s to 2.7 s, and a longer one where no window may end."""
    samples = _noise(5)
    samples[2500:2700] = 0.0
    samples[500:1500] = 0.0
    first, second = windows(samples, SPEC)
    assert 2.5 <= first.end_s <= 2.7
    assert second.start_s == first.end_s
    assert second.end_s == 5.0
    np.testing.assert_array_equal(np.concatenate([first.samples, second.samples]), samples)


@given(st.integers(1, 20_000), st.integers(0, 5))
def test_windows_are_all_of_a_recording(length: int, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32)
    found = windows(samples, SPEC)
    new = [window.samples[round(window.overlap_s * RATE) :] for window in found]
    np.testing.assert_array_equal(np.concatenate(new), samples)
    assert {window.overlap_s for window in found[1:]} <= {0.0, 0.25}  # of noise no end is a pause, but by chance
    assert all(0 < len(window.samples) <= 3 * RATE for window in found)
    assert found[-1].end_s == length / RATE
    assert all(len(window.samples) >= 2 * RATE for window in found[:-1])


def test_a_pause_of_some_seconds_is_a_window_in_which_nobody_speaks() -> None:
    """With 0.4 s of it on each side of a voice; shorter ones are heard with what is said."""
    hiss = 1e-3 * _noise(14)
    voice = hiss.copy()
    for start, end in ((0, 2000), (7000, 8000), (8500, 9000)):
        voice[start:end] = _noise(14)[start:end]
    told = [(window.silent, round(window.start_s, 1), round(window.end_s, 1)) for window in windows(voice, SPEC)]
    assert told == [(False, 0.0, 2.4), (True, 2.4, 6.6), (False, 6.6, 9.4), (True, 9.4, 14.0)]
    long = windows(voice, SPEC.model_copy(update={"window_s": 20.0}))
    assert [(window.silent, round(window.end_s, 1)) for window in long] == [(False, 9.4), (True, 14.0)]
    assert [window.paused for window in long] == [True, False]
    assert not any(window.paused for window in windows(voice, SPEC))
    [quiet] = windows(np.zeros(9000, np.float32), SPEC)
    assert (quiet.silent, quiet.end_s) == (True, 9.0)


@pytest.mark.parametrize(("pause", "soft"), [(1e-3, 0.1), (0.0, 0.03)])
def test_who_speaks_softly_is_heard_beside_who_is_loud(pause: float, soft: float) -> None:
    """By 20 or 30 dB, with a hiss between, or nothing at all."""
    samples = np.concatenate([_noise(3), pause * _noise(3), soft * _noise(3), pause * _noise(3)])
    told = [(window.silent, round(window.start_s), round(window.end_s)) for window in windows(samples, SPEC)]
    assert [found for found in told if found[0]] == [(True, 3, 6), (True, 9, 12)]


def test_words_that_two_windows_have_heard_are_told_once() -> None:
    """The end of the first is half a word; their times are of the tokens that are left."""
    heard = [_window(0.0, 3.0), Window(2.5, 5.0, _noise(2.5), overlap_s=0.5), _window(5.0, 6.0)]
    tokens = [[YES, YES, NO, NO], [NO, YES, YES], [YES]]

    def listen(number: int, window: Window) -> Passage:
        return TRANSCRIBER.passage(window, Written([*tokens[number], END], -0.1, 0.0))

    passages = list(TRANSCRIBER.passages(heard, listen))
    assert [piece.text for passage in passages for piece in passage.said] == ["yes yes no no", "yes yes", "yes"]
    [second] = passages[1].said
    assert (second.start_s, second.end_s, second.tokens) == (3.33, 5.0, (YES, YES))


def _told(first: list[int], second: list[int]) -> list[tuple[str, float, float]]:
    """By two windows of which the second begins half a second before the first ends."""
    heard = [_window(0.0, 3.0), Window(2.5, 5.0, _noise(2.5), overlap_s=0.5)]

    def listen(number: int, window: Window) -> Passage:
        return TRANSCRIBER.passage(window, Written([*(first, second)[number], END], -0.1, 0.0))

    said = [piece for passage in TRANSCRIBER.passages(heard, listen) for piece in passage.said]
    return [(piece.text, piece.start_s, piece.end_s) for piece in said]


def test_pieces_of_windows_that_overlap_do_not_though_none_of_their_words_is_the_same() -> None:
    """What the first says of all its window, and the second of the half second that both hear."""
    first = [TIME, YES, TIME + 4, TIME + 4, YES, TIME + 6]
    assert _told(first, [TIME, NO, TIME + 5]) == [("yes", 0.0, 2.0), ("yes", 2.0, 2.5), ("no", 2.5, 5.0)]


def test_what_both_windows_heard_otherwise_is_parted_in_the_middle() -> None:
    """Of the first the last word is said behind it, of the second the first one before."""
    first = [TIME, YES, TIME + 5, TIME + 5, YES, YES, TIME + 6]
    second = [TIME, NO, NO, TIME + 1, TIME + 2, NO, TIME + 4]
    assert _told(first, second) == [("yes", 0.0, 2.5), ("yes", 2.5, 2.75), ("no", 2.75, 3.0), ("no", 3.5, 4.5)]


def test_of_plain_text_nothing_is_left_out_that_is_not_in_both() -> None:
    assert [text for text, _, _ in _told([YES, YES, YES], [NO, NO, NO])] == ["yes yes yes", "no no no"]


def test_a_word_lasts_though_the_model_looks_at_no_place_for_it() -> None:
    """All three of them are looked at in the first half second."""
    passage = TRANSCRIBER.passage(_window(), Written([YES, NO, YES, END], -0.1, 0.0))
    attention = np.zeros((6, 7), np.float32)
    attention[1:4, 0] = attention[4, 6] = 1.0
    [piece] = TRANSCRIBER.with_words(passage, attention).said
    assert [word.text for word in piece.words] == ["yes", "no", "yes"]
    assert all(word.end_s > word.start_s for word in piece.words)
    assert all(one.end_s <= other.start_s for one, other in pairwise(piece.words))


@pytest.mark.parametrize(
    ("pressure", "loudness", "silent"), [(0, 0, True), (0.5, 0, True), (0, 1, False), (0.5, 1e-3, False)]
)
def test_an_even_pressure_is_no_sound(pressure: float, loudness: float, silent: bool) -> None:
    [window] = windows(pressure + loudness * _noise(1), SPEC)
    assert window.silent is silent


def test_text_between_times_is_a_piece_from_then_to_then() -> None:
    """In seconds of the recording, whose window begins at 10 s; what has no end ends with the window."""
    tokens = [TIME, YES, NO, TIME + 2, TIME + 3, NO, END, END]
    passage = TRANSCRIBER.passage(_window(10.0, 12.5), Written(tokens, -0.1, 0.0))
    told = [(piece.text, piece.start_s, piece.end_s, piece.tokens) for piece in passage.said]
    assert told == [("yes no", 10.0, 11.0, (YES, NO)), ("no", 11.5, 12.5, (NO,))]


def test_no_piece_ends_behind_its_window() -> None:
    passage = TRANSCRIBER.passage(_window(0.0, 1.2), Written([TIME, YES, TIME + 5, END], -0.1, 0.0))
    assert [(piece.start_s, piece.end_s) for piece in passage.said] == [(0.0, 1.2)]


def test_plain_text_is_of_the_whole_window() -> None:
    passage = TRANSCRIBER.passage(_window(), Written([YES, NO, END], -0.1, 0.0))
    assert [(piece.text, piece.start_s, piece.end_s) for piece in passage.said] == [("yes no", 0.0, 3.0)]


@pytest.mark.parametrize(
    ("score", "no_speech", "said"),
    [(-0.5, 0.65, True), (-1.5, 0.65, True), (-1.5, 0.75, False), (-0.1, 0.75, False)],
)
def test_nothing_is_said_where_nobody_speaks_however_sure_the_words_are(
    score: float, no_speech: float, said: bool
) -> None:
    passage = TRANSCRIBER.passage(_window(), Written([YES, END], score, no_speech))
    assert bool(passage.said) is said
    assert passage.is_doubtful is (said and score < -1)


def test_what_is_said_again_and_again_is_doubtful() -> None:
    once = TRANSCRIBER.passage(_window(), Written([YES, NO, END], -0.1, 0.0))
    again = TRANSCRIBER.passage(_window(), Written([YES] * 40, -0.1, 0.0))
    assert (once.repeats, again.repeats, again.is_doubtful) == (False, True, True)
    assert not Passage.silent(_window()).is_doubtful


def test_a_prompt_has_the_end_of_what_came_before_as_far_as_there_is_room() -> None:
    """Of 20 tokens 10 are to be written; the start, and two that steer, are among the rest."""
    assert TRANSCRIBER.prompt("", timed=True).tolist() == [[START]]
    assert TRANSCRIBER.prompt("  ", timed=False).tolist() == [[START, PLAIN]]
    assert TRANSCRIBER.prompt("yes", timed=False).tolist() == [[BEFORE, YES, START, PLAIN]]
    assert _transcriber(context_tokens=14).prompt("no", timed=True).tolist() == [[BEFORE, NO, START]]
    assert _transcriber(context_tokens=13).prompt("no", timed=True).tolist() == [[START]]


def test_a_prompt_with_a_token_that_steers_is_refused() -> None:
    with pytest.raises(UnusableInputError, match="<end>"):
        TRANSCRIBER.prompt("yes <end>", timed=False)


def test_transcribers_of_the_same_tokens_are_alike() -> None:
    assert _transcriber() == TRANSCRIBER
    assert _transcriber(window_s=5.0) != TRANSCRIBER


def test_of_several_languages_one_is_named_or_the_most_probable_one_is_written_in() -> None:
    several = _transcriber(language=None, languages={"en": 10, "es": 11}, transcribe_id=12, translate_id=13)
    assert several.prompt("", timed=True).tolist() == [[START, ANY_LANGUAGE, 12]]
    assert several.prompt("", timed=False, language="es").tolist() == [[START, 11, 12, PLAIN]]
    assert several.prompt("", timed=True, language="es", translated=True).tolist() == [[START, 11, 13]]
    assert several.passage(_window(), Written([YES, END], 0.0, 0.0, language=11)).language == "es"
    assert TRANSCRIBER.passage(_window(), Written([YES, END], 0.0, 0.0)).language == "en"
    assert (several.translates, TRANSCRIBER.translates) == (True, False)
