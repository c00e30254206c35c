"""What no file of the repository names: hosts of registries, folders of one machine, secrets."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Each in two halves, so that this file names none either.
NAMED = {
    "a host of a registry": (
        ("huggingface", r"\.co\b"),
        ("pypi", r"\.org"),
        ("python", "hosted"),
        ("registry", r"\.npmjs"),
        ("kaggle", r"\.com"),
        ("docker", r"\.io\b"),
        ("gh", r"cr\.io"),
        ("deb", r"\.debian\.org"),
    ),
    "a folder of one machine": (("/ho", "me/"), ("/ro", "ot/"), ("/wo", "rk/")),
    "a secret": (("AKIA", "[0-9A-Z]{16}"), ("ghp", "_[A-Za-z0-9]{20}"), ("hf", "_[A-Za-z0-9]{20}")),
}


def test_no_file_names_what_must_not_be_named() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    assert Path(__file__) in files
    patterns = {what: re.compile("|".join(a + b for a, b in halves).encode()) for what, halves in NAMED.items()}
    found = [
        f"{file.relative_to(ROOT)} names {what}: {match[0].decode()}"
        for file in files
        if file.is_file() and b"\0" not in (content := file.read_bytes())
        for what, pattern in patterns.items()
        if (match := pattern.search(content))
    ]
    assert not found
