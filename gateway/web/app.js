// The page: which model is chosen, what is asked, and what the gateway serves right now.

import { showAnswer, showBusy, showNothing, showProblem, useOutput } from "/web/answer.js";
import { Problem, describeModel, listModels, modelPath } from "/web/api.js";
import { $, after, el } from "/web/dom.js";
import { createPanels } from "/web/panels.js";
import { showRequest } from "/web/shell-line.js";
import { offerWhy } from "/web/why.js";

const POLL_MS = 3000;

const panels = createPanels(() => update());
let models = []; // as the gateway lists them
let listed = null; // the chosen one's entry in that list, as JSON, to see a change
let model = null; // the chosen one with all its facts
let panel = null; // what asks it, if this page has something for it
let underWay = new AbortController(); // the newest question; starting another ends it

/** Shows the answer of the chosen model to what its panel holds. An older answer never replaces a newer one. */
async function update() {
  if (!model) return; // what was given so early is asked once there is one
  const signal = begin();
  const request = (await panel?.request(model)) ?? null;
  if (signal.aborted) return;
  showRequest(request);
  if (!model.ready) return showProblem(notReady(model));
  if (!request) return showEmpty();
  if (panel.deliberate) showNothing(panel); // it fills its place while it is asked
  showBusy();
  try {
    const { reply, sentence, labels } = await panel.answer(request, signal);
    if (signal.aborted) return;
    showAnswer(reply, sentence, panel);
    offerWhy(model.manifest.signatures.explain ? { request, labels, model: model.name } : null);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    showProblem(error, { pieces: panel.pieces, beside: panel.deliberate && panel.begun });
  }
}

/** After a model was chosen: what costs little is asked again, what takes long waits until somebody wants it. */
async function look() {
  if (!panel?.deliberate) return update();
  begin();
  showRequest(panel.request(model));
  showEmpty();
}

/** Ends the question before, and what was said of its answer. */
function begin() {
  underWay.abort();
  underWay = new AbortController();
  offerWhy(null);
  return underWay.signal;
}

function showEmpty() {
  panel?.clear(model);
  showNothing(panel ?? {});
}

function notReady({ name, reason }) {
  return new Problem(`${name} is not ready`, reason);
}

/** Looks at what is served. A new model is listed; a change of the chosen one is shown, and asked again. */
async function refresh() {
  try {
    const fresh = await listModels();
    if (JSON.stringify(fresh) !== JSON.stringify(models)) showModels((models = fresh));
    await choose();
    $("offline").hidden = true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    $("offline").hidden = false;
  }
}

/** Takes the model the address names, else stays, else takes the first; does nothing if that one is shown already. */
async function choose() {
  const entry =
    models.find(({ name }) => address(name) === location.hash) ??
    models.find(({ name }) => name === model?.name) ??
    models[0];
  if (!entry) $("description").textContent = "No model is served yet. It appears here as soon as one is.";
  if (!entry || JSON.stringify(entry) === listed) return;
  listed = JSON.stringify(entry);
  const described = await describeModel(entry.name).catch((error) => {
    listed = null;
    throw error;
  });
  if (JSON.stringify(entry) !== listed) return; // another was chosen meanwhile
  const writes = panel?.deliberate && model.ready && described.ready && model.name === described.name;
  model = described;
  showModel();
  if (!writes) await look(); // what is being written, or has been, stays where the model does
}

const address = (name) => `#${encodeURIComponent(name)}`;

function showModels() {
  const focused = document.activeElement.hash;
  const items = models.map(({ name, task, ready }) => {
    const link = el("a", { href: address(name), className: ready ? "" : "waiting" });
    link.append(el("strong", { textContent: name }), el("span", { textContent: ready ? task : "not ready" }));
    return el("li", {}, link);
  });
  $("models").replaceChildren(...items);
  markChosen();
  for (const link of $("models").querySelectorAll("a")) if (link.hash === focused) link.focus();
}

function markChosen() {
  const links = [...$("models").querySelectorAll("a")];
  const chosen = links.find((link) => model && link.hash === address(model.name));
  for (const link of links) link.ariaCurrent = link === chosen ? "true" : null;
  if (chosen) $("models").scrollTo({ left: chosen.offsetLeft - links[0].offsetLeft });
}

/** Shows the chosen model's facts and panel. The panel keeps its input, so that two models can be asked the same. */
function showModel() {
  document.title = `${model.name} · kmaas`;
  $("name").textContent = model.name;
  $("description").textContent = model.description ?? "";
  const card = el("a", { href: `${modelPath(model.name)}/card`, textContent: "model card" });
  const all = el("a", { href: modelPath(model.name), textContent: "all facts" });
  const facts = [...factsOf(model), ...(model.manifest ? [card] : []), all];
  $("facts").replaceChildren(...facts.map((fact) => el("li", {}, fact)));
  $("fault").hidden = !model.ready || !model.reason;
  $("fault").textContent = `Not in use: ${model.reason}`;
  const fitting = Object.entries(panels).flatMap(([name, one]) => (model.tasks?.includes(name) ? [one] : []));
  showWays(fitting);
  usePanel(fitting.includes(panel) ? panel : fitting[0]);
  markChosen();
}

/** The ways to ask a model that can be asked in several. */
function showWays(fitting) {
  const names = fitting.map(({ way }) => way).join();
  if ($("ways").dataset.names === names) return; // who is at one of them stays there
  $("ways").dataset.names = names;
  const first = fitting.includes(panel) ? panel : fitting[0];
  const choices = fitting.map((one) => {
    const input = el("input", { type: "radio", name: "way", checked: one === first });
    input.addEventListener("change", () => {
      usePanel(one);
      look();
    });
    return el("label", {}, input, el("span", { textContent: one.way }));
  });
  const legend = $("ways").firstElementChild;
  $("ways").replaceChildren(legend, ...choices);
  $("ways").hidden = choices.length < 2;
}

function usePanel(chosen) {
  if (panel !== chosen) panel?.leave?.();
  panel = chosen ?? null;
  for (const one of Object.values(panels)) one.element.hidden = one.element !== panel?.element;
  useOutput(panel?.output);
  $("not-ready").hidden = model.ready;
  $("no-panel").hidden = !model.ready || panel !== null;
  panel?.show(model);
}

function factsOf({ task, version, manifest }) {
  if (!manifest) return ["no version yet"];
  const accuracy = task.endsWith("classification") && manifest.metrics.find(({ name }) => name === "accuracy");
  return [task, `version ${version}`, ...(accuracy ? [`accuracy ${(100 * accuracy.value).toFixed(1)} %`] : [])];
}

/** Refreshes for as long as the page is open, but not while nobody sees it. */
async function follow() {
  for (;;) {
    if (document.visibilityState === "visible") await refresh();
    await after(POLL_MS);
  }
}

addEventListener("hashchange", refresh);
document.addEventListener("visibilitychange", refresh);
showNothing();
showRequest(null);
follow();
