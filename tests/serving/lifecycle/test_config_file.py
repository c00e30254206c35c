"""A config file that changes, breaks, and is repaired."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.lifecycle.config_file import ConfigFile
from serving.lifecycle.core import Core
from serving.lifecycle.manager import Manager
from serving.lifecycle.model_config import read_config
from serving.lifecycle.rules import Rules
from serving.metrics import Metrics
from tests.serving.runtimes import Opener
from tests.support.processes import until


class Watched:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "models.config"
        self.manager = Manager(Opener(), Rules(), Metrics())
        self.core = Core(self.manager, poll_interval_s=0.02)
        self.write("a")
        served = read_config(self.path)
        self.core.start(served)
        self.file = ConfigFile(self.path, 0.02, self.core, served)

    def write(self, *names: str, more: str = "") -> None:
        for name in names:
            (self.root / name / "1").mkdir(parents=True, exist_ok=True)
            (self.root / name / "1" / "good").touch()
        configs = (
            f'config {{ name: "{name}" base_path: "{self.root / name}" model_platform: "tensorflow" {more} }}'
            for name in names
        )
        self.path.write_text(f"model_config_list {{ {' '.join(configs)} }}")

    def serves(self, *names: str) -> bool:
        return self.core.configs().keys() == set(names)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.file.stop()
    made.core.stop()
    made.manager.close(30)


def test_a_changed_file_is_taken(watched: Watched) -> None:
    watched.file.start()
    watched.write("a", "b")
    until(lambda: watched.serves("a", "b"), "b is served, too")
    watched.write("b")
    until(lambda: watched.serves("b"), "a is not served any more")


def test_a_broken_file_is_said_once_and_leaves_the_models_as_they_are(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        watched.path.write_text("model_config_list {")
        watched.file.poll()
    watched.path.unlink()
    watched.file.poll()
    assert watched.serves("a")
    said = [record.getMessage() for record in caplog.records if record.name == "serving.lifecycle.config_file"]
    assert [text.partition(": ")[2].partition(":")[0] for text in said] == [
        "Error parsing text-format tensorflow.serving.ModelServerConfig",
        f"Could not read {watched.path}",
    ]
    watched.write("b")
    watched.file.poll()
    assert watched.serves("b")


def test_the_same_file_does_not_undo_what_someone_sent_since(watched: Watched) -> None:
    watched.core.reload({})
    watched.file.poll()
    assert watched.serves()


def test_labels_that_were_refused_are_tried_again(watched: Watched) -> None:
    watched.manager.wait_settled()
    (watched.root / "a" / "2").mkdir()
    watched.write("a", more='version_labels { key: "new" value: 2 }')
    watched.file.poll()
    assert not watched.core.configs()["a"].labels
    (watched.root / "a" / "2" / "good").touch()
    until(lambda: watched.manager.statuses("a")[0].version == 2, "2 is seen")
    assert watched.manager.wait_settled(["a"], 30)
    watched.file.poll()
    assert watched.core.configs()["a"].labels == {"new": 2}


def test_without_an_interval_it_is_not_read_again(watched: Watched) -> None:
    once = ConfigFile(watched.path, 0, watched.core, {})
    once.start()
    once.stop()
    assert watched.serves("a")
