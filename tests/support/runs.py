"""Small real trainings through the command line, in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]

TINY = {
    "digits": ("--set", "rows=300", "--set", "batch_size=32"),
    "sentiment": ("--set", "rows=300", "--set", "vocabulary=8000", "--set", "pair_buckets=1024"),
}


@dataclass(frozen=True)
class Workplace:
    """A store and runs of their own; the cache is the user's, so that nothing is fetched twice."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def at(cls, folder: Path, **variables: str) -> Self:
        places = {"KMAAS_STORE": str(folder / "store"), "KMAAS_RUNS": str(folder / "runs")}
        return cls(folder, {**os.environ, **places, **variables})

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`kmaas` with these arguments, in a process group of its own, so that Ctrl-C can be sent to it alone."""
        return subprocess.Popen(
            [sys.executable, "-m", "kmaas", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kmaas(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def train(self, model: str, *arguments: str) -> Path:
        """The folder of a tiny run."""
        done = self.kmaas("train", model, "--epochs", "1", *TINY[model], *arguments)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.splitlines()[0])
