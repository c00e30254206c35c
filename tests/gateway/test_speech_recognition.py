"""Which signature writes a window down."""

from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from gateway.settings import Limits
from gateway.tasks.base import Ask, Tensors
from gateway.tasks.speech_recognition import Recording, SpeechRecognition, SpeechRecognitionRequest
from processing.speech import Transcriber, Window
from tests.support.speech_spec import END, SPEC, START, TIME, YES


@pytest.mark.parametrize("paused", [False, True])
def test_a_window_with_a_pause_is_written_with_times_though_plain_text_is_asked_for(paused: bool) -> None:
    transcriber = Transcriber(Tokenizer(WordLevel({"yes": YES, "<end>": END}, unk_token="<end>")).to_str(), SPEC)
    task = SpeechRecognition(SPEC, transcriber, Limits(), aligns=False)
    prompts = []

    def answer(tokens: list[int]) -> Tensors:
        sure = np.zeros(1, np.float32)
        return {"tokens": np.array([tokens], np.int32), "score": sure, "no_speech": sure}

    def steer(_signature: str, inputs: Tensors) -> Tensors:
        prompts.append(np.asarray(inputs["prompt"]).tolist())
        return answer([TIME, YES, TIME + 1, TIME + 3, YES, TIME + 4, END])

    def keeping() -> Any:
        raise AssertionError("nothing is kept")

    ask = Ask(lambda _inputs: answer([YES, END]), keeping, steer)
    plain, timed = (transcriber.prompt("", timed=of) for of in (False, True))
    window = Window(0.0, 3.0, np.zeros(3000, np.float32), paused=paused)
    request = SpeechRecognitionRequest.model_validate({"inputs": b"a recording"})
    heard = task.infer(request, Recording([window], plain, timed), ask)
    told = task.postprocess(request, heard)
    assert (told.text, told.chunks) == ("yes yes" if paused else "yes", None)
    assert prompts == ([[[START]]] if paused else [])
