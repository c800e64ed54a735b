// The words that are being written: kept in this tab until they are sent, given back
// where others have taken their place, and listed. app.js clears all of it at sign-out.
"use strict";

// The form of videos has words of its own.
const OF = document.getElementById("composer")?.dataset.makes === "video" ? "video " : "";
const SENT = `${OF}prompts`; // in this browser: what was sent or replaced, newest first
const LEFT = `${OF}left`; // in this browser: what stands unsent in each tab, by the tab's id
const FORM = `${OF}form`; // in this tab: what the form holds
const UNDO = `${OF}undo`; // in this tab: what it held before
const MOST_SENT = 50;
const MOST_LEFT = 20;
const composer = () => document.getElementById("composer");
const prompt = () => document.getElementById("prompt");

function read(key, otherwise) {
  try { return JSON.parse(own.get(key)) || otherwise; } catch { return otherwise; }
}

// What the form holds, as text that POST /composer makes the same form of.
function contents() {
  const words = new URLSearchParams([...new FormData(composer())].filter(([, value]) => typeof value === "string"));
  for (const name of ["token", "pictures"]) words.delete(name);
  return words.toString();
}

const promptOf = (form) => (new URLSearchParams(form).get("prompt") || "").trim();
const imagesOf = (form) => ["image", "first_frame", "last_frame", "reference"].flatMap((name) => new URLSearchParams(form).getAll(name));

let held = composer() && contents();
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

function hold() {
  held = contents();
  tab.set(FORM, held);
}

// From the first key on a reload shows what stands here, and not what the address asks for.
function touched() {
  hold();
  const { home } = composer().dataset;
  if (location.pathname + location.search === home) return;
  history.replaceState(history.state, "", home);
  keepChoices();
}

// Earlier prompts: of tabs that were left without sending them, and those that were sent.
function earlier() {
  const { [tabId]: here, ...left } = read(LEFT, {});
  return [...new Set([...Object.values(left).reverse(), ...read(SENT, [])])];
}

function remember(text) {
  const others = read(SENT, []).filter((each) => each !== text);
  if (text) own.set(SENT, JSON.stringify([text, ...others].slice(0, MOST_SENT)));
}

// A tab that is closed forgets what it holds.
function leave() {
  const { [tabId]: here, ...left } = read(LEFT, {});
  const text = prompt()?.value.trim();
  if (text && !read(SENT, []).includes(text)) left[tabId] = text;
  own.set(LEFT, JSON.stringify(Object.fromEntries(Object.entries(left).slice(-MOST_LEFT))));
}

function showUndo() {
  document.getElementById("undo").hidden = !tab.get(UNDO);
}

// Others stand where *before* stood: the way back is offered, and its words are listed.
function replaced(before) {
  const text = promptOf(before);
  if (!text && !imagesOf(before).length) return;
  const same = (form) => form.replace(/(^|&)prompt=[^&]*/, `$1prompt=${promptOf(form)}`);
  if (same(before) === same(held)) return;
  if (text !== promptOf(held)) remember(text);
  tab.set(UNDO, before);
  showUndo();
}

// The form as the server draws it of *words*, in the place of the one that is there.
async function drawForm(words) {
  const before = held;
  const headers = { "HX-Request": "true" };
  const request = { method: "POST", headers, body: new URLSearchParams(words) };
  const answer = await fetch(document.getElementById("undo").dataset.url, request).catch(() => null);
  if (!answer || isForeign(answer)) return offline(true);
  if (!answer.ok) return location.reload();
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  if (held !== before) return; // somebody has gone on writing
  const now = part.content.querySelector("#composer");
  composer().replaceWith(now);
  htmx.process(now);
  document.dispatchEvent(new CustomEvent("htmx:after:swap", { detail: { isNew: true } }));
}

async function undoWords() {
  await drawForm(tab.get(UNDO));
  prompt().focus();
  announce(document.getElementById("undo").dataset.done);
}

// The page is new. A link's words stand in place of those that were written here before;
// a page that asks for nothing gets them back.
function rewrite() {
  const kept = tab.get(FORM);
  showUndo();
  if (kept === null) return;
  if (prompt().value) replaced(kept);
  else prompt().value = new URLSearchParams(kept).get("prompt");
  hold();
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
  const before = held;
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
  if (button.id === "undo-button") undoWords();
  else if (button.id === "history-clear") {
    own.set(SENT, "[]");
    own.set(LEFT, "{}");
    listEarlier();
  } else if (button.closest("#history")) take(button.textContent);
});

// Of these a phone may send but one before it ends a tab.
addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); });
