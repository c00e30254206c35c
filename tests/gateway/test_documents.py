"""What `docs/dialects` shows is done as it stands."""

import re
import subprocess

import pytest

from tests.support.client_programs import PYTHON, ROOT
from tests.support.processes import GatewayProcess

_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["inference-v2.md", "tensorflow-serving.md"])
def test_the_examples_are_answered(page: str, gateway: GatewayProcess) -> None:
    """By small models: of those it is `strokes` that has the signature `raw`."""
    found = _BLOCK.findall((ROOT / "docs" / "dialects" / page).read_text())
    assert found
    for language, text in found:
        example = text.replace("127.0.0.1:8080", gateway.url.removeprefix("http://")).replace("digits", "strokes")
        example = example.replace("127.0.0.1:8081", gateway.grpc)
        command = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [str(PYTHON), "-W", "ignore", "-c"]
        done = subprocess.run([*command, example], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert '{"error"' not in done.stdout
