"""A small picture of a picture."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from processing.thumbnail import SIDE, thumbnail


@pytest.mark.parametrize(
    ("height", "width", "small"), [(300, 600, (64, 128)), (20, 10, (20, 10)), (1, 5000, (1, 128)), (1, 1, (1, 1))]
)
def test_it_is_as_large_as_it_may_be_and_never_larger(height: int, width: int, small: tuple[int, int]) -> None:
    picture = np.full((height, width, 3), (250, 20, 30), np.uint8)
    with Image.open(BytesIO(thumbnail(picture))) as opened:
        assert opened.format == "JPEG"
        assert (opened.height, opened.width) == small
        assert max(opened.size) <= SIDE
        assert not opened.getexif()
        assert np.abs(np.asarray(opened).astype(int) - picture[0, 0]).max() < 8
