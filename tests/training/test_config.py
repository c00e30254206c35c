"""Configurations: preset, overlay and settings merged; what does not fit is named."""

from pathlib import Path

import pytest

from models.catalog import NETWORKS, find, spec_of
from models.digits import DigitsConfig
from models.errors import UnknownNetworkError
from models.sentiment_minilm import SentimentMinilmConfig
from training.config import find_preset, known_keys, load_config
from training.errors import ConfigurationError

DIGITS = find("digits")


@pytest.mark.parametrize("entry", [entry for entry in NETWORKS if not entry.endswith("-checkpoint")])
def test_every_network_has_a_preset_that_fits(entry: str) -> None:
    config = load_config(NETWORKS[entry])
    assert config.rows is None
    assert spec_of(config).entry == entry


def test_settings_beat_the_file_and_the_file_beats_the_preset(tmp_path: Path) -> None:
    preset = tmp_path / "mine.toml"
    preset.write_text("epochs = 2\nseed = 9\n[augment]\nscale = 0.05\n")
    config = load_config(DIGITS, preset, ["epochs=3", "augment.shear=0", "optimizer=sgd"])
    assert isinstance(config, DigitsConfig)
    assert (config.epochs, config.seed, config.optimizer) == (3, 9, "sgd")
    assert (config.augment.scale, config.augment.shear, config.augment.rotate_degrees) == (0.05, 0, 12)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=3", r"unknown key 'epoch'; the keys of digits are seed, rows, epochs, .*augment\.scale"),
        ("augment.turn=3", r"unknown key 'augment\.turn'"),
        ("epochs=0", r"epochs: .*greater than or equal to 1, received 0"),
        ("epochs=many", r"epochs: .*integer.*received 'many'"),
        ("optimizer=rmsprop", r"optimizer: .*'adam', 'sgd' or 'muon', received 'rmsprop'"),
        ("epochs", r"'epochs' is not a setting; expected key=value"),
    ],
)
def test_what_does_not_fit_is_named(setting: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_config(DIGITS, None, [setting])


@pytest.mark.parametrize("pair", ["en-xx", "fr-de"])
def test_languages_without_data_are_refused_before_anything_is_made(pair: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(find("translation"), None, [f"languages={pair}"])
    assert str(caught.value) == (
        "configuration of translation: languages: there is data of en-de, en-es, en-fr, en-it, en-nl, en-pl, en-pt, "
        f"received {pair}; for others name your own, data=FILE"
    )


def test_a_preset_that_is_no_toml_or_not_there_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("epochs = ")
    with pytest.raises(ConfigurationError, match=r"broken\.toml is not TOML"):
        load_config(DIGITS, broken)
    with pytest.raises(ConfigurationError, match=r"none\.toml cannot be read"):
        load_config(DIGITS, tmp_path / "none.toml")


def test_known_keys_reach_into_tables() -> None:
    assert {"epochs", "learning_rate.sgd", "augment.stroke"} <= set(known_keys(DigitsConfig))


def test_a_network_that_is_named_brings_its_own_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('network = "minilm"\nepochs = 1\n')
    own = load_config(find("sentiment", "minilm"))
    by_file = load_config(find("sentiment"), file)
    assert isinstance(by_file, SentimentMinilmConfig)
    assert by_file == own.model_copy(update={"epochs": 1})
    assert load_config(find("sentiment"), None, ["network=minilm"]) == own
    with pytest.raises(UnknownNetworkError, match="sentiment has no network 'bert'; it has minilm"):
        load_config(find("sentiment"), file, ["network=bert"])
    with pytest.raises(ConfigurationError, match=r"unknown key 'vector_size'; the keys of sentiment are .*network"):
        load_config(find("sentiment"), file, ["vector_size=3"])


def test_a_preset_is_found_by_its_name_or_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = find_preset("sentiment", "minilm")
    assert load_config(find("sentiment"), named) == load_config(find("sentiment", "minilm"))
    (tmp_path / "minilm").write_text("epochs = 1\n")
    assert find_preset("sentiment", "minilm") == named
    assert find_preset("sentiment", "./minilm") == Path("minilm")
    assert find_preset("digits", "minilm") == Path("minilm")
    with pytest.raises(ConfigurationError, match=r"the preset mini cannot be read: .* sentiment has minilm$"):
        find_preset("sentiment", "mini")
    with pytest.raises(ConfigurationError, match="digits has its own one alone"):
        find_preset("digits", "mini")
