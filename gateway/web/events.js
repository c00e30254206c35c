// Server-sent events, as the gateway streams its answers.

const DONE = "[DONE]";

/** The JSON documents of a stream of events as they come, until it ends. */
export async function* documents(body) {
  for await (const line of lines(body)) {
    if (!line.startsWith("data:")) continue; // an empty line, or a comment that shows that the gateway lives
    const data = line.slice("data:".length).trim();
    if (data === DONE) return;
    yield JSON.parse(data);
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let begun = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const whole = (begun + value).split("\n");
      begun = whole.pop();
      yield* whole;
    }
  } finally {
    reader.cancel().catch(() => {}); // who broke off was told why already
  }
}
