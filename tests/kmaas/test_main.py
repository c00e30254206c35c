"""`kmaas`: every verb in its section of the help, and in the README's table."""

import re
from pathlib import Path

from click.testing import CliRunner

from kmaas.main import cli

README = Path(__file__).parents[2] / "README.md"

_SECTION = re.compile(r"^([A-Z][a-z ]+):\n((?:  .+\n?)+)", re.MULTILINE)


def sections() -> dict[str, list[str]]:
    """The verbs that the help lists, by the title above them."""
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=100).output
    found = {title: [line.split()[0] for line in lines.splitlines()] for title, lines in _SECTION.findall(shown)}
    del found["Options"]
    return found


def test_the_help_has_every_verb_once_and_each_can_be_had() -> None:
    listed = [verb for verbs in sections().values() for verb in verbs]
    assert sorted(listed) == sorted(
        set(cli.list_commands(cli.make_context("kmaas", ["models"], resilient_parsing=True)))
    )
    for verb in listed:
        assert CliRunner().invoke(cli, [verb, "--help"]).exit_code == 0, verb


def test_the_readme_tells_the_same_verbs() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| (`.*`) \|$", README.read_text(), re.MULTILINE)
    told = {title: re.findall(r"`(\w+)`", verbs) for title, verbs in rows}
    assert {title: told.get(title) for title in map(str.lower, sections())} == {
        title.lower(): verbs for title, verbs in sections().items()
    }
