"""Small real trainings through the command line, in processes of their own."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.stack import free_port
from tests.support.once import made_once

ROOT = Path(__file__).resolve().parents[2]

# Many short batches: so few rows teach more. Enough to tell the digits apart, and no more.
LEARNT = ("--set", "batch_size=2", "--epochs", "3")

TINY = {
    "digits": ("--set", "rows=300", "--set", "batch_size=32"),
    "fashion-vgg": ("--set", "rows=200", "--set", "batch_size=16", "--set", "filters=[8,16]", "--set", "repeats=[1,1]"),
    "sentiment": ("--set", "rows=300", "--set", "vocabulary=8000", "--set", "pair_buckets=1024"),
}


@dataclass(frozen=True)
class Workplace:
    """A store and runs of their own; the cache is the user's, so that nothing is fetched twice.

    `code` is where our packages are.
    """

    folder: Path
    environment: Mapping[str, str]
    code: Path = ROOT

    @classmethod
    def at(cls, folder: Path, **variables: str) -> Self:
        places = {"KMAAS_STORE": str(folder / "store"), "KMAAS_RUNS": str(folder / "runs")}
        places |= {"KMAAS_SEARCHES": str(folder / "searches"), "KMAAS_PRESETS": str(folder / "presets")}
        return cls(folder, {**os.environ, **places, **variables})

    @classmethod
    def before(cls, folder: Path, model_server_port: int) -> Self:
        """Its promotions ask a model server at that port, and no gateway follows them; a token may take long."""
        return cls.at(
            folder,
            KMAAS_GATEWAY__MODEL_SERVER=f"127.0.0.1:{model_server_port}",
            KMAAS_GATEWAY__PORT=str(free_port()),  # nobody is there
            KMAAS_PROMOTION__KEY=str(folder / "key.pem"),
            KMAAS_PROMOTION__LATENCY_MS="10000",
        )

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def kmaas(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("kmaas", *arguments)

    def struck(self, number: signal.Signals, words: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`kmaas` that gets the signal `number` as soon as it has said `words` on standard error."""
        return self._run("tests.support.struck", number.name, words, *arguments)

    def killed(self, step: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`kmaas` that dies by SIGKILL at the `step`-th change of a file."""
        return self._run("tests.support.killed", str(step), *arguments)

    def _run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.code,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def train(self, model: str, *arguments: str) -> Path:
        """The folder of a tiny run of this place's code."""
        done = self.kmaas("train", model, "--epochs", "1", *TINY[model], *arguments)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.splitlines()[0])

    def trained(self, model: str, *arguments: str) -> Path:
        """The folder of a tiny run of our own code: a copy of the one that all tests have that ask for the same."""
        name = _name(model, arguments)
        made = made_once(name, lambda folder: _train(folder, model, arguments))
        [run] = (made / "runs").iterdir()
        return Path(shutil.copytree(run, self.runs / name))

    def exported(self, model: str, *arguments: str) -> Path:
        """Such a run after `kmaas export`."""
        name = _name(model, arguments)
        made = made_once(f"{name}-exported", lambda folder: _export(folder, model, arguments))
        return Path(shutil.copytree(made / "runs" / name, self.runs / name))


def _name(model: str, arguments: Sequence[str]) -> str:
    return f"{model}-{hashlib.sha256(repr(arguments).encode()).hexdigest()[:12]}"


def _train(folder: Path, model: str, arguments: Sequence[str]) -> None:
    Workplace.at(folder).train(model, *arguments)


def _export(folder: Path, model: str, arguments: Sequence[str]) -> None:
    place = Workplace.at(folder)
    done = place.kmaas("export", str(place.trained(model, *arguments)))
    assert done.returncode == 0, done.stderr
