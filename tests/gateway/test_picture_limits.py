"""Pixels of several pictures together."""

from io import BytesIO

import pytest
from PIL import Image

from gateway.settings import Limits
from gateway.tasks import pictures
from processing.errors import TooLargeError


def test_pixels_that_a_file_does_not_tell_of_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a HEIC, in which a size can stand beside the real one."""
    file = BytesIO()
    Image.new("RGB", (10, 10)).save(file, "PNG")
    monkeypatch.setattr(pictures, "pixels_of", lambda _: 1)
    both, limits = [file.getvalue()] * 2, Limits(image_pixels=150)
    with pytest.raises(TooLargeError, match=r"picture 1 of the list: .*at most 50"):
        pictures.decoded(both, limits, lambda: None, lambda picture: picture)
