"""`kmaas add chat --preset FOLDER`: somebody's checkpoint from its folder to real clients, and what is refused."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from click.testing import CliRunner
from huggingface_hub import InferenceClient
from openai import OpenAI

from bench.stack import free_port
from kmaas.add import add
from kmaas.config import Config
from kmaas.progress import PlainProgress
from store.layout import Store
from store.manifest import Manifest
from tests.support.checkpoints import TOKENIZER, write_checkpoint
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.runs import Workplace
from tests.support.small_text_models import ASSISTANT, END, USER
from training.fit import load_model
from training.recipes import make_recipe
from training.run import Run, runs_of

NAME, MOST = "tiny-qwen", 8
PROGRESS = PlainProgress(lambda _: None, time.monotonic)


@dataclass(frozen=True)
class Served:
    place: Workplace
    gateway: GatewayProcess
    run: Run


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Added, and served by both processes after its folder is gone."""
    folder, port = tmp_path_factory.mktemp("checkpoint"), free_port()
    place = Workplace.before(folder, port)
    given = write_checkpoint(folder / "given", "qwen2", chats=True)
    config = Config(store=place.store, runs=place.runs)
    arguments = ["chat", "--preset", str(given), "--name", NAME, "--set", "rows=2", "--set", "slots=3"]
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        added = CliRunner().invoke(add, arguments, obj=config, catch_exceptions=False)
    assert f"{NAME}: published as version 1" in added.output
    given.rename(folder / "gone")
    [run] = runs_of(place.runs, NAME)
    with ModelServerProcess(place.store, port) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        yield Served(place, gateway, run)


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{served.gateway.url}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def model(served: Served) -> Any:
    return load_model(served.run)


def _greedy(model: Any, prompt: str) -> str:
    ids, [end] = TOKENIZER.encode(prompt).ids, TOKENIZER.encode(END).ids
    written: list[int] = []
    while len(written) < MOST and end not in written:
        written.append(int(np.asarray(model(np.array([ids + written], np.int32)))[0].argmax()))
    return str(TOKENIZER.decode(written))


def test_real_clients_get_its_own_greedy_text_by_prompt_and_by_its_chat_template(
    served: Served, client: OpenAI, model: Any
) -> None:
    hub = InferenceClient(model=f"{served.gateway.url}/models/{NAME}")
    assert hub.text_generation("roses are red", max_new_tokens=MOST) == _greedy(model, "roses are red")
    asked: dict[str, Any] = {"model": NAME, "messages": [{"role": "user", "content": "hello"}], "temperature": 0}
    expected = _greedy(model, f"{USER}hello{END}{ASSISTANT}o")
    assert client.chat.completions.create(**asked, max_tokens=MOST).choices[0].message.content == expected
    events = list(client.chat.completions.create(**asked, max_tokens=MOST, stream=True))
    assert "".join(event.choices[0].delta.content or "" for event in events) == expected


def test_the_manifest_says_whose_it_is(served: Served) -> None:
    manifest = Manifest.read(Store.at(served.place.store).version(NAME, 1).manifest)
    assert manifest.model == NAME
    assert manifest.description == "Answers messages, and continues texts: given."
    assert manifest.origins[0].licence == "apache-2.0"
    assert manifest.origins[0].source.startswith("checkpoint given, sha256 ")
    assert manifest.cache is not None
    assert manifest.cache.slots == 3
    assert str(served.place.folder) not in manifest.document().decode()


def test_a_prompt_beyond_its_context_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="64"):
        client.completions.create(model=NAME, prompt="x" * 65, max_tokens=1)


def test_a_run_has_all_that_it_needs_when_the_folder_is_gone(served: Served) -> None:
    run = Run.open(served.run.path)
    assert run.spec.name == NAME
    recipe = make_recipe(run.spec, run.config, Config().cache, PROGRESS, run.tokenizer())
    assert recipe.tokenizer == TOKENIZER.to_str()
    assert recipe.facts.held_out_rows == run.evaluated.evaluation().rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("chat", "--preset", "{folder}"), "terms of chat are unclear (not told by the checkpoint"),
        (("chat", "--preset", "{folder}", "--set", "context_tokens=65"), "made for 64 tokens at most"),
        (("chat", "--preset", "{folder}", "--name", "a b"), "name: String should match pattern"),
        (("chat", "--preset", "{folder}", "--name", "digits"), "the catalogue has another model of that name"),
        (("chat", "--name", "other"), "--name is for a checkpoint"),
        (
            ("chat", "--preset", "{empty}/none", "--name", "other"),
            "none cannot be read: there is no such file or folder",
        ),
        (("digits", "--preset", "{folder}"), "cannot be read: Is a directory"),
        (("chat", "--preset", "{empty}"), "has no config.json"),
    ],
)
def test_what_cannot_be_added_is_said_in_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "given", "gpt2")
    (folder / "README.md").unlink()
    (tmp_path / "empty").mkdir()
    given = [word.format(folder=folder, empty=tmp_path / "empty") for word in arguments]
    config = Config(store=tmp_path / "store", runs=tmp_path / "runs")
    with pytest.raises(Exception, match=message.replace("(", r"\(")):
        add.main(given, standalone_mode=False, obj=config)
    assert not (tmp_path / "runs").exists()
