"""TensorFlow's chatter stays off the terminal while a verb works, and nothing is lost: not even by a crash."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kmaas.sieve import sifted

CHATTER = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
ERROR = "E0000 00:00:1795631421.349131   21023 util.cc:131] oneDNN supports DT_UINT8 only on\n"
BODY = f"os.write(2, {(CHATTER + ERROR).encode()!r}); os.write(2, b'a word of C\\n'); print('ours', file=sys.stderr)"


def _python(body: str, after: str = "pass") -> list[str]:
    """A process that runs `body` with its chatter sieved."""
    script = (
        f"import os, signal, sys\nfrom kmaas.sieve import without_chatter\nwith without_chatter():\n    {body}\n{after}"
    )
    return [sys.executable, "-c", script]


def _run(body: str, after: str = "pass") -> subprocess.CompletedProcess[str]:
    return subprocess.run(_python(body, after), capture_output=True, text=True, timeout=60, check=False)


def test_only_the_chatter_is_kept_back() -> None:
    done = _run(BODY, "os.write(2, b'INFO: Created TensorFlow Lite once more\\n')")
    assert done.returncode == 0
    assert sorted(done.stderr.splitlines()) == ["INFO: Created TensorFlow Lite once more", "a word of C", "ours"]


@pytest.mark.parametrize(
    "end",
    [
        "raise ValueError('that was it')",
        "os.abort()",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os._exit(1)",
    ],
)
def test_a_block_that_fails_or_a_process_that_dies_shows_everything(end: str) -> None:
    done = _run(f"{BODY}; {end}")
    assert done.returncode != 0
    assert CHATTER + ERROR in done.stderr
    assert "a word of C\n" in done.stderr
    assert "ours\n" in done.stderr
    if "raise" in end:
        assert done.stderr.endswith("ValueError: that was it\n")


def test_what_is_logged_is_told_in_plain_words_also_after_a_framework_logged() -> None:
    done = _run("import logging; logging.warning('a framework'); logging.getLogger('a.module').warning('and we')")
    assert (done.returncode, done.stderr) == (0, "a framework\nand we\n")


def test_an_interruption_is_no_failure() -> None:
    done = _run(f"{BODY}; os.kill(os.getpid(), signal.SIGINT)")
    assert done.returncode != 0
    assert "ours\n" in done.stderr
    assert CHATTER not in done.stderr


def test_who_keeps_standard_error_may_write_to_it_afterwards() -> None:
    done = _run("kept = sys.stderr", "print('late', file=kept); print('later', file=sys.stderr)")
    assert done.stderr == "late\nlater\n"


def test_a_terminal_stays_a_terminal(tmp_path: Path) -> None:
    here, there = pty.openpty()
    done = subprocess.run(
        _python("print(sys.stderr.isatty())"), stdout=subprocess.PIPE, stderr=there, text=True, timeout=60, check=True
    )
    os.close(there)
    os.close(here)
    assert done.stdout == "True\n"


@pytest.mark.parametrize("put", ["io.StringIO()", "io.TextIOWrapper(sys.stderr.buffer, line_buffering=True)"])
def test_a_stream_that_a_caller_put_in_place_stays(put: str) -> None:
    done = _run(
        "pass",
        f"import io; sys.stderr = put = {put}\nwith without_chatter():\n    print(sys.stderr is put)\n"
        "    print('ours', file=sys.stderr)",
    )
    assert done.stdout == "True\n"
    assert done.stderr == ("" if "StringIO" in put else "ours\n")


@pytest.mark.parametrize("closing", ["2>&-", "2>/dev/full"])
def test_a_process_without_standard_error_works_all_the_same(closing: str) -> None:
    command = _python("sys.stderr and os.write(2, b'for nobody\\n')", "print(1)")
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *command], stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    assert done.stdout == "1\n"


def test_lines_come_before_the_end() -> None:
    given = iter([b"a\n", b"chatter\n", b"b\n"])
    shown = sifted(given, re.compile(b"chatter"))
    assert next(shown) == b"a\n"
    assert next(given) == b"chatter\n"
