"""Pictures in HEIC. Those in `data/` were made with pillow-heif 1.8.1, which can write them, of the picture that `flag`
of `test_image.py` makes: `turned-N` has the orientation N in its properties and its EXIF, `told-6` in EXIF alone."""

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from processing import heif, heif_decoder
from processing.errors import DecoderError, TooLargeError, UnreadableInputError
from processing.image import MEDIA_TYPES, all_pixels_of, decode, pixels_of
from tests.processing.test_image import BLUE, RED, WHITE

DATA = Path(__file__).parent / "data"
FLAG = (DATA / "turned-1.heic").read_bytes()
NOISE = (DATA / "noise.heic").read_bytes()
SIZE = re.compile(rb"(?<=ispe\x00{4}).{8}", re.DOTALL)


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, "00"), (2, "01"), (3, "11"), (4, "10"), (5, "00"), (6, "01"), (7, "11"), (8, "10")],
)
def test_a_picture_is_turned_once(orientation: int, red_at: str) -> None:
    pixels = decode((DATA / f"turned-{orientation}.heic").read_bytes(), max_pixels=2400)
    assert pixels.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
    assert pixels.dtype == np.uint8
    row, column = (2 if side == "0" else -3 for side in red_at)
    np.testing.assert_allclose(pixels[row, column].astype(int), RED, atol=6)
    np.testing.assert_allclose(pixels[-3 if row == 2 else 2, column].astype(int), BLUE, atol=6)


def test_what_exif_alone_says_of_turning_does_not_count() -> None:
    pixels = decode((DATA / "told-6.heic").read_bytes(), max_pixels=2400)
    assert pixels.shape == (40, 60, 3)
    np.testing.assert_allclose(pixels[2, 2].astype(int), RED, atol=6)


def test_transparency_ten_bits_and_grey_are_as_in_other_formats() -> None:
    transparent = decode((DATA / "transparent.heic").read_bytes(), max_pixels=2400)
    np.testing.assert_allclose(transparent[[2, -3], [2, -3]].astype(int), [RED, WHITE], atol=6)
    levels = decode((DATA / "ten-bits.heic").read_bytes(), max_pixels=256)
    np.testing.assert_allclose(levels[..., 0].ravel().astype(int), np.arange(256), atol=1)
    assert np.ptp(decode((DATA / "grey.heic").read_bytes(), max_pixels=2400)[2, 2]) == 0


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(TooLargeError, match=r"60×40 pixels; at most 2399"):
        decode(FLAG, max_pixels=2399)
    assert pixels_of(FLAG) == all_pixels_of(FLAG) == 64 * 64  # as they are coded
    large = SIZE.sub((2**31).to_bytes(4) * 2, FLAG)
    assert pixels_of(large) == 2**62
    with pytest.raises((TooLargeError, UnreadableInputError)):
        decode(large, max_pixels=10_000)
    with pytest.raises(UnreadableInputError, match="no size"):
        pixels_of(FLAG[:40])


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_picture_is_unreadable(part: float) -> None:
    with pytest.raises(UnreadableInputError, match="HEIC"):
        decode(NOISE[: int(len(NOISE) * part)], max_pixels=10_000)


def test_hostile_bytes_are_typed_errors_or_pictures() -> None:
    rng = np.random.default_rng(7)
    for _ in range(12):
        data = bytearray(NOISE)
        for at in rng.integers(12, len(data), 8):
            data[at] ^= 1 << int(rng.integers(8))
        with suppress(TooLargeError, UnreadableInputError):
            assert decode(bytes(data), max_pixels=10_000).size <= 30_000


def test_a_decoder_that_works_on_and_on_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spins = tmp_path / "spins.py"
    limited = f"import runpy\nrunpy.run_path({heif_decoder.__file__!r}, run_name='limits')['limit'](1, 2**30)\n"
    spins.write_text(f"{limited}while True: pass\n")
    monkeypatch.setattr(heif_decoder, "__file__", str(spins))
    with pytest.raises(TooLargeError, match="more than 8 s of work"):
        decode(FLAG, max_pixels=2400)


def test_a_decoder_that_dies_is_an_error_of_one_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dies = tmp_path / "dies.py"
    dies.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(heif_decoder, "__file__", str(dies))
    with pytest.raises(UnreadableInputError, match="the decoder ended with -11"):
        decode(FLAG, max_pixels=2400)


def test_a_decoder_that_does_not_start_is_nobodys_fault_who_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heif, "_folders", list)  # without the package
    with pytest.raises(DecoderError, match="cannot be decoded now"):
        decode(FLAG, max_pixels=2400)
    assert "No module named 'pi_heif'" in caplog.text


def test_a_picture_that_gets_no_turn_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "_PATIENCE_S", 0.0)
    with heif._TURNS, heif._TURNS, pytest.raises(DecoderError, match="others are before this one"):
        decode(FLAG, max_pixels=2400)


def test_the_decoder_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tells = tmp_path / "tells.py"
    tells.write_text("import os, sys\nsys.stderr.write(repr(sorted(os.environ)))\nsys.exit(3)\n")
    monkeypatch.setattr(heif_decoder, "__file__", str(tells))
    monkeypatch.setenv("KMAAS_GATEWAY__ADMIN_TOKEN", "secret")
    with pytest.raises(UnreadableInputError) as refused:
        decode(FLAG, max_pixels=2400)
    assert "KMAAS" not in str(refused.value)


def test_without_the_package_it_is_named() -> None:
    code = (
        "import sys\n"
        "sys.modules['pi_heif'] = None\n"
        "from gateway.errors import MediaTypeError\n"
        "from processing.errors import UnreadableInputError\n"
        "from processing.image import MEDIA_TYPES, decode\n"
        "print(MediaTypeError('image/heic', MEDIA_TYPES))\n"
        "print(MediaTypeError('image/heic', ['application/json']))\n"
        "try: decode(sys.stdin.buffer.read(), max_pixels=2400)\n"
        "except UnreadableInputError as exc: print(exc)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=FLAG, capture_output=True, check=True)
    refused, of_texts, sent = done.stdout.decode().splitlines()
    assert "image/tiff; pictures in HEIC are read where the package pi-heif is installed" in refused
    assert "pi-heif" not in of_texts
    assert "pi-heif" in sent
    assert set(heif.MEDIA_TYPES) <= set(MEDIA_TYPES)
