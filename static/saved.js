// Saved prompts, in the history panel. Its events do not reach the form.
"use strict";

const savedBox = () => document.getElementById("saved");

async function drawSaved(url, body) {
  const request = { method: body ? "POST" : "GET", body, headers: { "HX-Request": "true" } };
  const answer = await fetch(url, request).catch(() => null);
  if (!answer || isForeign(answer)) return offline(true);
  if (!answer.ok && ![409, 422].includes(answer.status)) return location.reload();
  savedBox().innerHTML = await answer.text();
  return answer.ok;
}

async function savePrompt() {
  const values = new URLSearchParams(contents());
  values.set("name", document.getElementById("saved-name").value);
  if (document.getElementById("saved-seed").checked) values.set("with_seed", "1");
  const { dataset } = savedBox();
  const done = await drawSaved(dataset.save, values);
  if (done) announce(dataset.done);
  (done && savedBox().querySelector("a") || document.getElementById("saved-name")).focus();
}

async function useSaved({ dataset }) {
  await drawForm(dataset.values);
  prompt().focus();
  announce(savedBox().dataset.used);
}

document.addEventListener("toggle", ({ target }) => {
  if (target.id === "menu-history" && target.open) drawSaved(savedBox().dataset.url);
}, true);

document.addEventListener("click", (event) => {
  const part = event.target.closest?.("#saved :is(button, a[data-values])");
  if (!part || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (part.dataset.values) useSaved(part);
  else savePrompt();
});

for (const name of ["input", "change", "keydown"]) {
  document.addEventListener(name, (event) => {
    if (!event.target.closest?.("#saved") || name === "keydown" && event.key !== "Enter") return;
    if (name === "keydown" && !event.target.matches("#saved-name")) return;
    event.stopPropagation();
    if (name !== "keydown") return;
    event.preventDefault(); // else it would send the form
    savePrompt();
  }, true);
}
