"""`kmaas route`: see and change who answers a model's calls, by the gateway's admin API."""

import getpass
import json
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import click

from kmaas.config import Config
from kmaas.errors import AdminError
from kmaas.processes import reachable

_TIMEOUT_S = 60.0  # a version that was never asked for answers its goldens first

_json = click.option("--json", "as_json", is_flag=True, help="Print the admin API's answer.")


@click.group("route", short_help="See and change who answers a model's calls.")
def route() -> None:
    """Sees and changes which versions answer a model's calls, on the running gateway of this configuration."""


@route.command("show")
@click.argument("model", required=False)
@_json
@click.pass_obj
def show(config: Config, *, model: str | None, as_json: bool) -> None:
    """Shows the route of MODEL, or of all models, and what was seen of it."""
    answer = _asked(config, "GET", f"/routes/{quote(model)}" if model else "/routes")
    _tell(answer, as_json=as_json)


@route.command("set")
@click.argument("model")
@click.argument("document", metavar="ROUTE")
@_json
@click.pass_obj
def set_route(config: Config, *, model: str, document: str, as_json: bool) -> None:
    """Gives MODEL the ROUTE, a JSON document, e.g. '{"split": [{"to": "canary", "percent": 10}]}'. Nothing changes
    unless all of it is right."""
    _tell(_asked(config, "PUT", f"/routes/{quote(model)}", document.encode()), as_json=as_json)


@route.command("withdraw")
@click.argument("model")
@click.argument("to", metavar="VERSION")
@click.option("--why", help="The reason, for the audit.")
@_json
@click.pass_obj
def withdraw(config: Config, *, model: str, to: str, why: str | None, as_json: bool) -> None:
    """Takes the part of the split, and the shadow, that go to VERSION (a number or a label) out of MODEL's route."""
    document = {"to": int(to) if to.isdecimal() else to, "why": why}
    answer = _asked(config, "POST", f"/routes/{quote(model)}/withdraw", json.dumps(document).encode())
    _tell(answer, as_json=as_json)


@route.command("remove")
@click.argument("model")
@_json
@click.pass_obj
def remove(config: Config, *, model: str, as_json: bool) -> None:
    """Takes MODEL's route away: the version that the gateway chooses answers all calls."""
    _tell(_asked(config, "DELETE", f"/routes/{quote(model)}"), as_json=as_json)


def _asked(config: Config, method: str, path: str, body: bytes | None = None) -> Any:
    """The admin API's answer. Raises `AdminError` with what it says is wrong."""
    settings = config.gateway
    if not settings.admin_port:
        raise AdminError("gateway.admin_port is 0, which switches the admin API off; choose a port")
    url = f"http://{reachable(settings.admin_host)}:{settings.admin_port}{path}"
    headers = {"X-Changed-By": re.sub(r"[^\w.@+-]", "_", getpass.getuser(), flags=re.ASCII)[:64]}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if settings.admin_token is not None:
        headers["Authorization"] = f"Bearer {settings.admin_token.get_secret_value()}"
    try:
        asked = urllib.request.Request(url, data=body, headers=headers, method=method)
        with urllib.request.urlopen(asked, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as exc:
        with exc:
            raise AdminError(_detail(exc)) from exc
    except (OSError, ValueError) as exc:
        raise AdminError(f"no gateway's admin API answers at {url}: {exc}") from exc


def _detail(refused: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(refused)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the admin API answered {refused.code}"


def _tell(answer: Any, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    for document in answer.get("routes", [answer]):
        for line in _lines(document):
            click.echo(line)


def _lines(document: Any) -> list[str]:
    model, found = document["model"], document["route"]
    changed = f"  (by {document['by']}, {document['changed_at'][:19]})" if document["by"] else ""
    if found is None:
        return [f"{model}: no route{changed}"]
    rest = 100 - sum(part["percent"] for part in found["split"])
    lines = [f"{model}:{changed}", f"  {rest:g} %  {_named(found['to'])}"]
    lines += [f"  {part['percent']:g} %  {part['to']}{'  canary' if part['canary'] else ''}" for part in found["split"]]
    if found["shadow"]:
        lines.append(f"  shadow  {found['shadow']['to']}")
    lines += [f"  {name}  {found[name]}" for name in ("sticky", "fallback", "deadline_s") if found[name] is not None]
    if found["mask"]:
        lines.append(f"  masked  {', '.join(found['mask']['kinds'])}")
    if found["capture"]:
        lines.append(f"  {found['capture']['percent']:g} %  captured")
    return lines + _seen(document["status"])


def _seen(status: Any) -> list[str]:
    lines = [f"  {field} cannot answer now" for field, version in status["versions"].items() if version is None]
    for line in status["canaries"]:
        failed, beside = line["canary"]["failed"], line["stable"]["failed"]
        lines.append(
            f"  canary {line['to']}: {failed['events']} of {failed['trials']} failed; beside it {beside['events']} of "
            f"{beside['trials']}; {line['disagreed']['events']} of {line['disagreed']['trials']} disagreed"
        )
    for line in status["comparisons"]:
        lost = line["failed"] + line["absent"] + line["dropped"]
        lines.append(
            f"  compared {line['to']}: {line['agreed']} of {line['compared']} agreed, {lost} without an answer"
        )
    return lines


def _named(to: object) -> str:
    return "the version that the gateway chooses" if to is None else str(to)
