// The panel for recordings of speech: what is said in them, as it is heard, and when.

import { Problem, follow } from "/web/api.js";
import { $, el } from "/web/dom.js";
import { speechRequest } from "/web/request.js";
import { Stop } from "/web/sampling.js";
import { srt, timeOf, vtt } from "/web/subtitles.js";

const languages = new Intl.DisplayNames(["en"], { type: "language" });

export class TranscriptionPanel {
  deliberate = true;
  pieces = "words";
  output = $("transcript");
  #input;
  #stop = new Stop($("sound-panel"), $("transcribe"));
  #known = ""; // the languages to choose from

  /** `input` is the `SoundInput` that the panels for recordings share; `changed()` asks for its recording. */
  constructor(input, changed) {
    this.#input = input;
    this.element = input.element;
    $("transcribe").addEventListener("click", changed);
    input.player.addEventListener("timeupdate", () => this.#markPlayed());
  }

  show(model) {
    this.#input.show(model);
    const { languages: spoken = {}, translate_id: english = null } = model.manifest.processing;
    this.#offer(Object.keys(spoken));
    $("spoken-choice").hidden = Object.keys(spoken).length === 0;
    $("english-choice").hidden = english === null;
    $("transcribe").hidden = false;
  }

  leave() {
    this.#input.leave();
    for (const one of ["spoken-choice", "english-choice", "transcribe"]) $(one).hidden = true;
  }

  /** The request for the recording, or null when there is none. */
  request({ name: model }) {
    const { file } = this.#input;
    const translated = !$("english-choice").hidden && $("english").checked;
    const language = $("spoken-choice").hidden ? "" : $("spoken").value;
    return file && { ...speechRequest(model, file, { translated, language }), translated };
  }

  clear() {
    const hint = "What is said appears here, while it is heard.";
    this.output.replaceChildren(el("p", { className: "small", textContent: hint }));
  }

  get begun() {
    return Boolean(this.output.querySelector(".segments li"));
  }

  async answer(request, signal) {
    const segments = [];
    const list = el("ol", { className: "segments writing", ariaLabel: "What is said" });
    this.output.replaceChildren(list);
    let ended = false;
    const told = ({ type, ...piece }) => {
      ended = type === "transcript.text.done";
      if (type !== "transcript.text.segment") return type === "transcript.text.delta";
      segments.push(piece);
      list.append(this.#item(piece, segments.at(-2)?.language, request.translated));
      return false;
    };
    try {
      const reply = await this.#stop.during((stop) => follow(request, { signal, stop }, told));
      if (!ended && !reply.stopped) throw new Problem("The answer broke off", "The gateway did not tell its end.");
      await this.#input.shown;
      reply.written.seconds = this.#input.seconds;
      const text = segments.map((segment) => segment.text).join(" ");
      const ending = reply.stopped ? "Stopped." : text ? "" : "Nobody speaks.";
      if (ending) this.output.append(el("p", { className: "small", textContent: ending }));
      if (text) this.output.append(downloads(segments, request.files.file.name));
      return { reply, sentence: `${text} ${ending}`.trim() };
    } finally {
      list.classList.remove("writing");
    }
  }

  /** A segment, which is played by its time; with its language where there are several, and this is another one. */
  #item({ start, end, text, language }, before, translated) {
    const play = el("button", { type: "button", textContent: timeOf(start), title: `Play from here to ${timeOf(end)}` });
    play.addEventListener("click", () => this.#input.play(start));
    const words = el("span", { className: "words", lang: translated ? "en" : language, dir: "auto" });
    words.textContent = text;
    const item = el("li", {}, play, words);
    item.dataset.start = start;
    if (this.#known && language !== before) item.prepend(el("p", { className: "eyebrow", textContent: languages.of(language) }));
    return item;
  }

  /** The segment that was begun last. */
  #markPlayed() {
    const { currentTime } = this.#input.player;
    const items = [...this.output.querySelectorAll(".segments li")];
    const played = items.findLast((item) => Number(item.dataset.start) <= currentTime);
    for (const item of items) item.classList.toggle("played", item === played);
  }

  /** Who chose a language keeps it where the next model knows it, too. */
  #offer(codes) {
    if (this.#known === codes.join()) return;
    this.#known = codes.join();
    const chosen = $("spoken").value;
    const named = codes.map((code) => [code, languages.of(code)]).sort(([, one], [, other]) => one.localeCompare(other));
    const options = named.map(([value, textContent]) => el("option", { value, textContent }));
    $("spoken").replaceChildren(el("option", { value: "", textContent: "As it is heard" }), ...options);
    $("spoken").value = codes.includes(chosen) ? chosen : "";
  }
}

/** The segments as subtitles. The files last as long as the page. */
function downloads(segments, name) {
  const stem = name.replace(/\.[^.]*$/, "");
  const links = [
    [srt, "srt"],
    [vtt, "vtt"],
  ].map(([written, ending]) => {
    const href = URL.createObjectURL(new Blob([written(segments)], { type: "text/plain" }));
    return el("a", { href, download: `${stem}.${ending}`, textContent: `Save as ${ending}` });
  });
  return el("p", { className: "small downloads" }, ...links);
}
