"""Chat templates."""

import pytest

from gateway.errors import InvalidRequestError, UnfitVersionError
from gateway.generation.chat import ChatTemplate

CHATML = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""


def asked(source: str, content: str = "hi", **tokens: str) -> str:
    return ChatTemplate(source, tokens).prompt([{"role": "user", "content": content}])


def test_messages_become_the_prompt_a_model_was_trained_on() -> None:
    assert asked(CHATML) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


def test_what_is_said_is_no_template() -> None:
    assert asked("{{ messages[0].content }}", "{{ 7 * 7 }} <b>") == "{{ 7 * 7 }} <b>"


def test_the_names_that_templates_use() -> None:
    source = "{{ eos_token }}{{ messages[0] | tojson }}{{ strftime_now('%Y') | length }}"
    assert asked(source, "é'", eos_token="</s>") == '</s>{"role": "user", "content": "é\'"}4'


@pytest.mark.parametrize(
    "source",
    [
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages[0].content.__class__.__mro__ }}",
        "{{ ''.__class__ }}{{ cycler.__init__.__globals__ }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].nothing.at.all }}",
        "{{ range(10 ** 9) | list }}",
        "{{ 1 / 0 }}",
    ],
)
def test_what_a_template_does_not_take_or_may_not_do_is_a_fault_of_the_messages(source: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        asked(source)
    assert [fault.field for fault in caught.value.faults] == ["messages"]


def test_what_is_no_template_makes_its_version_unfit() -> None:
    with pytest.raises(UnfitVersionError, match="chat template"):
        ChatTemplate("{% for %}", {})
