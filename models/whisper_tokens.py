"""The tokens by which Whisper is steered, and steers itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SPACE_ID = 220


@dataclass(frozen=True)
class Alphabet:
    """The tokens that mean something to the loop.

    Attributes:
        start, end, no_speech: the last says that nobody speaks.
        previous: stands before a text that came before.
        no_times: as the last of a prompt it asks for plain text.
        first_time: the token of 0.00 s; those behind it are each 0.02 s later.
        languages: that of each language, by its code; of a model of one language there are none.
        transcribe, translate: what is done, behind a language; the latter into English.
        never: are not written at all; `never_first` not as the first of a window.
    """

    start: int
    end: int
    no_speech: int
    previous: int
    no_times: int
    first_time: int
    never: tuple[int, ...]
    never_first: tuple[int, ...]
    languages: Mapping[str, int] = field(default_factory=dict)
    transcribe: int | None = None
    translate: int | None = None


# Signs that nobody speaks, such as brackets and notes, and tokens that steer; as OpenAI's `non_speech_tokens` has them.
# fmt: off
_NEVER_ENGLISH = (
    1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93, 357, 366, 438, 532, 685,
    705, 796, 930, 1058, 1220, 1267, 1279, 1303, 1343, 1377, 1391, 1635, 1782, 1875, 2162, 2361, 2488, 3467, 4008,
    4211, 4600, 4808, 5299, 5855, 6329, 7203, 9609, 9959, 10563, 10786, 11420, 11709, 11907, 13163, 13697, 13700,
    14808, 15306, 16410, 16791, 17992, 19203, 19510, 20724, 22305, 22935, 27007, 30109, 30420, 33409, 34949, 40283,
    40493, 40549, 47282, 49146, 50257, 50357, 50358, 50359, 50360, 50361,
)
_NEVER = (
    1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93, 359, 503, 522, 542, 873,
    893, 902, 918, 922, 931, 1350, 1853, 1982, 2460, 2627, 3246, 3253, 3268, 3536, 3846, 3961, 4183, 4667, 6585,
    6647, 7273, 9061, 9383, 10428, 10929, 11938, 12033, 12331, 12562, 13793, 14157, 14635, 15265, 15618, 16553,
    16604, 18362, 18956, 20075, 21675, 22520, 26130, 26161, 26435, 28279, 29464, 31650, 32302, 32470, 36865, 42863,
    47425, 49870, 50254, 50258, 50358, 50359, 50360, 50361, 50362,
)
_LANGUAGES = (
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id", "hi",
    "fi", "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg", "lt", "la",
    "mi", "ml", "cy", "sk", "te", "fa", "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy",
    "ne", "mn", "bs", "kk", "sq", "sw", "gl", "mr", "pa", "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be",
    "tg", "sd", "gu", "am", "yi", "lo", "uz", "fo", "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl",
    "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su",
)
# fmt: on

ENGLISH = Alphabet(
    start=50_257,
    end=50_256,
    no_speech=50_361,
    previous=50_360,
    no_times=50_362,
    first_time=50_363,
    never=(*_NEVER_ENGLISH, 50_362),
    never_first=(_SPACE_ID, 50_256),
)

_FIRST_LANGUAGE = 50_259

MULTILINGUAL = Alphabet(
    start=50_258,
    end=50_257,
    no_speech=50_362,
    previous=50_361,
    no_times=50_363,
    first_time=50_364,
    never=(*_NEVER, *range(_FIRST_LANGUAGE, _FIRST_LANGUAGE + len(_LANGUAGES)), 50_363),
    never_first=(_SPACE_ID, 50_257),
    languages={code: _FIRST_LANGUAGE + number for number, code in enumerate(_LANGUAGES)},
    transcribe=50_359,
    translate=50_358,
)


_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")


def alphabet_of(
    marks: Mapping[str, int],
    *,
    multilingual: bool,
    never: Sequence[int] | None = None,
    never_first: Sequence[int] | None = None,
) -> Alphabet:
    """By the ids of a tokenizer's marks. All Whispers have them in one order, so that not all need to be told; where
    nobody tells what may not be written, it is what OpenAI's own may not.

    Raises:
        KeyError: one is missing that must be told.
    """
    start, end, no_times = (marks[f"<|{name}|>"] for name in ("startoftranscript", "endoftext", "notimestamps"))
    known = MULTILINGUAL if multilingual else ENGLISH
    told = sorted((number, mark) for mark, number in marks.items() if start < number < no_times)
    languages = {found[1]: number for number, mark in told if (found := _LANGUAGE.fullmatch(mark))}
    if multilingual and not languages:
        raise KeyError("<|en|>")
    spoken = [token for token in (known.never if never is None else never) if 0 <= token < end]
    return Alphabet(
        start=start,
        end=end,
        no_speech=no_times - 1,
        previous=no_times - 2,
        no_times=no_times,
        first_time=no_times + 1,
        never=(*spoken, *range(start, no_times + 1)),
        never_first=tuple(known.never_first if never_first is None else never_first),
        languages=languages if multilingual else {},
        transcribe=marks["<|transcribe|>"] if multilingual else None,
        translate=marks["<|translate|>"] if multilingual else None,
    )
