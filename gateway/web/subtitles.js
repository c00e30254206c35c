// Segments of speech, `{start, end, text}` in seconds, as files that players of films read; and times in words.

/** Minutes, seconds and tenths. */
export function timeOf(seconds) {
  const tenths = Math.round(10 * seconds);
  const within = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return `${Math.floor(tenths / 600)}:${within}`;
}

export function srt(segments) {
  const cues = segments.map(({ start, end, text }, i) => `${i + 1}\n${span(start, end, ",")}\n${line(text)}\n`);
  return cues.join("\n");
}

export function vtt(segments) {
  const cues = segments.map(({ start, end, text }) => `\n${span(start, end, ".")}\n${escaped(line(text))}\n`);
  return `WEBVTT\n${cues.join("")}`;
}

const span = (start, end, point) => `${stamp(start, point)} --> ${stamp(end, point)}`;

/** `00:00:01,500` */
function stamp(seconds, point) {
  const whole = Math.round(1000 * seconds);
  const parts = [Math.floor(whole / 3_600_000), Math.floor(whole / 60_000) % 60, Math.floor(whole / 1000) % 60];
  const clock = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return `${clock}${point}${String(whole % 1000).padStart(3, "0")}`;
}

/** Without the arrow that begins a cue. */
const line = (text) => text.trim().replace(/\s+/g, " ").replaceAll("-->", "→");

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
