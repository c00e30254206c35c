"""The unmodified `openai` package, in front of the small text models."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.support.processes import GatewayProcess


@pytest.fixture(scope="module")
def client(texts: GatewayProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{texts.url}/v1", api_key="any", max_retries=0) as client:
        yield client
