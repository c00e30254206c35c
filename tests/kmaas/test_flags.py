"""Flags made from settings, in TensorFlow Serving's forms."""

from typing import Any

import click
import pytest
from click.testing import CliRunner

from kmaas.flags import flags_of, same_dash
from serving.settings import ServeSettings


@click.command(context_settings={"token_normalize_func": same_dash})
@flags_of(ServeSettings)
def show(**flags: Any) -> None:
    click.echo(repr({name: value for name, value in flags.items() if value is not None}))


def given(*arguments: str) -> str:
    done = CliRunner().invoke(show, arguments)
    assert done.exit_code == 0, done.output
    return done.output.strip()


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--enable_batching", True),
        ("--enable_batching=true", True),
        ("--enable_batching=false", False),
        ("--enable-batching", True),
        ("--port=9", 9),
        ("--rest-api-port=9", 9),
        ("--model_base_path=/m", "/m"),
        ("--file_system_poll_wait_seconds=-1", -1.0),
        ("--ssl_config_file=f", "f"),
    ],
)
def test_a_flag(argument: str, expected: object) -> None:
    name = same_dash(argument[2:].partition("=")[0])
    assert given(argument) == repr({name: expected})


def test_a_value_may_follow_as_a_word() -> None:
    assert given("--port", "9", "--enable_batching", "--model_name", "m") == repr(
        {"port": 9, "enable_batching": True, "model_name": "m"}
    )


def test_every_setting_has_a_flag_with_a_help_text() -> None:
    output = CliRunner().invoke(show, ["--help"], terminal_width=200).output
    for name, field in ServeSettings.model_fields.items():
        assert f"--{name}" in output
        assert field.description


@pytest.mark.parametrize("argument", ["--prot=1", "--port=x", "--enable_batching=perhaps"])
def test_what_is_not_a_flag_or_not_a_value(argument: str) -> None:
    assert CliRunner().invoke(show, [argument]).exit_code == 2
