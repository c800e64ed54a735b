// Comforts. Every page works without them.
"use strict";

const DRAFT = "jimeng-draft";
const prompt = () => document.getElementById("prompt");

// How long the prompt is, counted as the server counts: by characters.
function count() {
  const field = prompt();
  if (!field) return;
  const length = [...field.value.trim()].length;
  document.querySelector(".counter-now").textContent = length;
  document.querySelector(".counter").dataset.over = length > Number(field.dataset.most);
}

// Storage may be full or forbidden; then there is no draft.
function keep(text) {
  try { localStorage.setItem(DRAFT, text); } catch { /* no draft */ }
}

function kept() {
  try { return localStorage.getItem(DRAFT) || ""; } catch { return ""; }
}

// Times in the reader's own zone and manner.
function localise(root) {
  const language = document.documentElement.lang;
  for (const time of root.querySelectorAll("time:not([data-local])")) {
    const moment = new Date(time.dateTime);
    const style = "short" in time.dataset
      ? { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }
      : { dateStyle: "medium", timeStyle: "medium" };
    time.textContent = moment.toLocaleString(language, style);
    time.dataset.local = "";
  }
}

function offline(is) {
  const notice = document.querySelector(".offline");
  if (is === "on" in notice.dataset) return;
  notice.toggleAttribute("data-on", is);
  notice.textContent = is ? notice.dataset.text : "";
}

document.addEventListener("input", (event) => {
  if (event.target !== prompt()) return;
  event.target.removeAttribute("aria-invalid");
  document.getElementById("errors-prompt").textContent = "";
  keep(event.target.value);
  count();
});

document.addEventListener("keydown", (event) => {
  const wanted = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  // While an input method composes, Enter belongs to it.
  if (!wanted || event.isComposing || event.repeat || event.target !== prompt()) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// The second click of a double click could come after the first one's answer, with
// its new token, and count as another request.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest?.("button")) event.preventDefault();
}, true);

// The names of htmx 4 and 2.
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => { localise(document); count(); });
}
for (const name of ["htmx:error", "htmx:sendError"]) {
  document.addEventListener(name, () => offline(true));
}
for (const name of ["htmx:after:request", "htmx:afterOnLoad"]) {
  document.addEventListener(name, (event) => {
    offline(false);
    // What was asked for is shown where it appears: at the top.
    const source = event.detail.ctx?.sourceElement || event.detail.elt;
    if (source?.id === "composer") window.scrollTo({ top: 0 });
  });
}

if (prompt() && !prompt().value) prompt().value = kept();
localise(document);
count();
