"""Chat templates: messages to the prompt that a model was trained on, by the template of its own version."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.errors import Fault, InvalidRequestError, UnfitVersionError


class ChatTemplate:
    """A Jinja template as Hugging Face's tokenizers carry one, in a sandbox. Safe to share between threads."""

    def __init__(self, source: str, tokens: Mapping[str, str]) -> None:
        """`tokens` are further names the template may use, such as `eos_token`.

        Raises:
            UnfitVersionError: it is no template.
        """
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)  # as `transformers` has it
        environment.filters["tojson"] = _to_json
        environment.globals |= {"raise_exception": _refuse, "strftime_now": _now, **tokens}
        try:
            self._template = environment.from_string(source)
        except TemplateError as exc:
            raise UnfitVersionError(f"its chat template cannot be read: {exc}") from exc

    def prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The text that the model continues as the assistant.

        Raises:
            InvalidRequestError: the template takes no such messages.
        """
        try:
            return self._template.render(messages=[dict(message) for message in messages], add_generation_prompt=True)
        except Exception as exc:  # a program of the version's own: whatever fails in it, it fails on these messages
            fault = Fault("messages", f"the model's chat template does not take them: {exc}")
            raise InvalidRequestError([fault]) from exc


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


def _to_json(value: Any, indent: int | None = None) -> str:
    """Jinja's own escapes what HTML does not take, which is not what a model was trained on."""
    return json.dumps(value, ensure_ascii=False, indent=indent)
