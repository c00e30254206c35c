// The panel for conversations: each message is answered word by word, in view of all before.

import { Problem, follow } from "/web/api.js";
import { $, el } from "/web/dom.js";
import { offer, onClear, onSend } from "/web/form.js";
import { chatRequest } from "/web/request.js";
import { Sampling, Stop, endingOf } from "/web/sampling.js";

const EXAMPLES = ["What is a good name for a cat?", "Why is the sky blue?", "Write a haiku about autumn."];
const NAMES = { user: "You", assistant: "Assistant" };
const NEAR = 40; // pixels: who reads the end sees it grow, who scrolled up is left there

export class ChatPanel {
  way = "Chat";
  deliberate = true;
  pieces = "tokens";
  element = $("chat-panel");
  output = $("conversation");
  #message = $("message");
  #sampling = new Sampling($("chat-panel"), { most: 200 });
  #stop = new Stop($("chat-panel"), $("message"));
  #said = []; // `{role, content}`, as they are sent
  #model = null;

  /** `changed()` asks for an answer to the current message. */
  constructor(changed) {
    const send = () => {
      if (!this.#stop.offered && this.#message.value.trim()) changed();
    };
    onSend(this.element, send);
    onClear(this.element, this.#message, () => {
      this.#said = [];
      changed();
    });
    this.#message.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.isComposing) return;
      event.preventDefault();
      send();
    });
    offer(this.element, EXAMPLES.map((text) => [text, text]), (text) => {
      this.#message.value = text;
      send();
    });
  }

  /** Another model begins another conversation. */
  show({ name, manifest }) {
    if (name === this.#model) return;
    this.#said = [];
    this.#model = name;
    this.#sampling.recommend(manifest.processing.drawing);
  }

  /** The request for the message after all before, or null when there is none. */
  request({ name }) {
    if (!this.#message.value.trim()) return null;
    const instructions = $("instructions").value.trim();
    const messages = [
      ...(instructions ? [{ role: "system", content: instructions }] : []),
      ...this.#said,
      { role: "user", content: this.#message.value },
    ];
    return chatRequest(name, messages, {
      ...this.#sampling.openai,
      stream: true,
      stream_options: { include_usage: true },
    });
  }

  clear() {
    const hint = "Your messages and the answers appear here. Each answer takes all before it into account.";
    this.output.replaceChildren(el("p", { className: "small", textContent: hint }));
    for (const { role, content } of this.#said) this.#append(role, content);
  }

  get begun() {
    return this.#said.length > 0;
  }

  async answer(request, signal) {
    const { content } = JSON.parse(request.body).messages.at(-1);
    const said = this.#said;
    this.#message.value = "";
    if (!this.begun) this.output.replaceChildren();
    const question = this.#append("user", content);
    const answer = this.#append("assistant", "");
    const text = answer.querySelector(".text");
    text.classList.add("writing");
    let finish = null;
    let usage;
    const told = ({ choices: [choice], usage: last }) => {
      usage = last;
      finish = choice?.finish_reason ?? finish;
      if (!choice?.delta.content) return false;
      const pinned = this.output.scrollHeight - this.output.scrollTop - this.output.clientHeight < NEAR;
      text.append(choice.delta.content);
      if (pinned) this.#scroll();
      return true;
    };
    try {
      const reply = await this.#stop.during((stop) => follow(request, { signal, stop }, told));
      if (!finish && !reply.stopped) throw new Problem("The answer broke off", "The gateway did not tell its end.");
      reply.written.tokens = usage?.completion_tokens ?? reply.written.tokens; // a piece may be several
      const ending = endingOf({ stopped: reply.stopped, finish, tokens: reply.written.tokens });
      if (finish !== "stop") answer.append(el("p", { className: "small", textContent: ending }));
      return { reply, sentence: `${NAMES.assistant}: ${text.textContent}` };
    } finally {
      text.classList.remove("writing");
      if (said === this.#said) this.#keep(content, question, answer, text.textContent); // else another was begun
    }
  }

  /** What was said stays in the conversation; a message without any answer goes back to where it was typed. */
  #keep(content, question, answer, text) {
    if (text) {
      this.#said.push({ role: "user", content }, { role: "assistant", content: text });
    } else {
      question.remove();
      answer.remove();
      this.#message.value ||= content;
    }
    this.#scroll();
  }

  #append(role, content) {
    const name = el("p", { className: "eyebrow", textContent: NAMES[role] });
    const text = el("p", { className: "text", dir: "auto", textContent: content });
    const message = el("div", { className: `message ${role}` }, name, text);
    this.output.append(message);
    this.#scroll();
    return message;
  }

  #scroll() {
    this.output.scrollTop = this.output.scrollHeight;
  }
}
