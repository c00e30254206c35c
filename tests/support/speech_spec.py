"""The numbers of a Whisper of seven tokens, which hears windows of three seconds at a thousand samples each."""

from processing.spec import SpeechSpec

END, YES, NO, START, PLAIN, BEFORE, TIME = range(7)
SPEC = SpeechSpec(
    sample_rate=1000,
    language="en",
    window_s=3.0,
    context_tokens=20,
    most_tokens=10,
    start_id=START,
    no_times_id=PLAIN,
    previous_id=BEFORE,
    end_id=END,
    first_time_id=TIME,
    time_step_s=0.5,
)
