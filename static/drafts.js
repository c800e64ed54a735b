// Drafts of the Create form: stored in this tab until they are sent, restored by undo after
// they were replaced, and listed in the history. app.js clears all of it at sign-out.
"use strict";

// The form of videos has its own drafts.
const OF = document.getElementById("composer")?.dataset.makes === "video" ? "video " : "";
const SENT = `${OF}prompts`; // in this browser: sent and replaced prompts, newest first
const UNSENT = `${OF}left`; // in this browser: unsent prompts by tab id
const FORM = `${OF}form`; // in this tab: the form's values
const UNDO = `${OF}undo`; // in this tab: the values before the replacement
const MAX_SENT = 50;
const MAX_UNSENT = 20;
const composer = () => document.getElementById("composer");
const prompt = () => document.getElementById("prompt");
const openDock = () => composer().toggleAttribute("data-open", true);

function read(key, otherwise) {
  try { return JSON.parse(own.get(key)) || otherwise; } catch { return otherwise; }
}

// The form's values, from which POST /composer renders the same form.
function contents() {
  const values = new URLSearchParams([...new FormData(composer())].filter(([, value]) => typeof value === "string"));
  for (const name of ["token", "pictures"]) values.delete(name);
  return values.toString();
}

const promptOf = (form) => (new URLSearchParams(form).get("prompt") || "").trim();
const imagesOf = (form) => ["image", "first_frame", "last_frame", "reference"].flatMap((name) => new URLSearchParams(form).getAll(name));

let draft = composer() && contents();
let tabId;

// A tab that was duplicated begins with the id of its twin, who says so.
function identify(id) {
  heard.delete(`is ${tabId}`);
  tab.set("id", tabId = id);
  heard.set(`is ${id}`, () => tabs.postMessage(`has ${id}`));
}

const newId = () => `t${String(Math.random()).slice(2)}`;
identify(tab.get("id") || newId());
const twin = `has ${tabId}`;
heard.set(twin, () => { heard.delete(twin); identify(newId()); });
tabs?.postMessage(`is ${tabId}`);

function storeDraft() {
  draft = contents();
  tab.set(FORM, draft);
  document.dispatchEvent(new CustomEvent("draft:stored"));
}

// From the first key on a reload shows what stands here, and not what the address asks for.
function touched() {
  storeDraft();
  const { home } = document.getElementById("feed").dataset;
  if (location.pathname + location.search === home) return;
  history.replaceState(history.state, "", home);
  keepChoices();
}

// The history: prompts of tabs closed before sending, then sent prompts.
function earlier() {
  const { [tabId]: here, ...unsent } = read(UNSENT, {});
  return [...new Set([...Object.values(unsent).reverse(), ...read(SENT, [])])];
}

function remember(text) {
  const others = read(SENT, []).filter((each) => each !== text);
  if (text) own.set(SENT, JSON.stringify([text, ...others].slice(0, MAX_SENT)));
}

// A tab that is closed forgets what it holds.
function leave() {
  const { [tabId]: here, ...unsent } = read(UNSENT, {});
  const text = prompt()?.value.trim();
  if (text && !read(SENT, []).includes(text)) unsent[tabId] = text;
  own.set(UNSENT, JSON.stringify(Object.fromEntries(Object.entries(unsent).slice(-MAX_UNSENT))));
}

function showUndo() {
  document.getElementById("undo").hidden = !tab.get(UNDO);
}

// Other values have replaced *before*: offer undo, and add its prompt to the history.
function replaced(before) {
  const text = promptOf(before);
  if (!text && !imagesOf(before).length) return;
  const same = (form) => form.replace(/(^|&)prompt=[^&]*/, `$1prompt=${promptOf(form)}`);
  if (same(before) === same(draft)) return;
  if (text !== promptOf(draft)) remember(text);
  tab.set(UNDO, before);
  showUndo();
}

// Replace the form by the one that the server renders from *values*.
async function drawForm(values) {
  const before = draft;
  const headers = { "HX-Request": "true" };
  const request = { method: "POST", headers, body: new URLSearchParams(values) };
  const answer = await fetch(document.getElementById("undo").dataset.url, request).catch(() => null);
  if (!answer || isForeign(answer)) return offline(true);
  if (!answer.ok) return location.reload();
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  if (draft !== before) return; // the user has gone on typing
  const now = part.content.querySelector("#composer");
  composer().replaceWith(now);
  htmx.process(now);
  document.dispatchEvent(new CustomEvent("htmx:after:swap", { detail: { isNew: true } }));
}

async function undoReplace() {
  await drawForm(tab.get(UNDO));
  prompt().focus();
  announce(document.getElementById("undo").dataset.done);
}

// On load: a prompt from the link replaces this tab's draft, and so does a first frame,
// whose video has words of its own; without them the draft is restored.
function rewrite() {
  const draft = tab.get(FORM);
  showUndo();
  if (draft === null) return;
  if (prompt().value || /[?&]first_frame=/.test(location.search)) replaced(draft);
  else prompt().value = new URLSearchParams(draft).get("prompt");
  storeDraft();
}

function listEarlier() {
  const list = document.getElementById("history");
  const item = document.getElementById("history-item").content.firstElementChild;
  list.replaceChildren(...earlier().map((text) => {
    const row = item.cloneNode(true);
    row.querySelector("span").textContent = text;
    return row;
  }));
  for (const each of list.parentElement.querySelectorAll("[data-when]")) {
    each.hidden = (each.dataset.when === "some") !== list.hasChildNodes();
  }
}

function take(text) {
  const before = draft;
  prompt().value = text;
  written(prompt());
  replaced(before);
  document.getElementById("menu-history").open = false;
  prompt().focus();
}

document.addEventListener("toggle", ({ target }) => {
  if (target.id === "menu-history" && target.open) listEarlier();
}, true);

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("#composer button");
  if (!button) return;
  if (button.id === "undo-button") undoReplace();
  else if (button.id === "history-clear") {
    own.set(SENT, "[]");
    own.set(UNSENT, "{}");
    listEarlier();
  } else if (button.closest("#history")) take(button.textContent);
});

// Of these a phone may send but one before it ends a tab.
addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); });
