// The references: pasted, dropped or chosen, each uploaded at once. Without JavaScript they
// are sent with the form.
"use strict";

const TRAY = "tray"; // the ids of the references in this tab's form
const coming = new Map(); // list item of an upload -> its request
const toSend = []; // sent one by one: the server limits concurrent uploads of a user
let sending = false;
const inputList = () => document.getElementById("inputs");
const inputTiles = () => [...inputList().querySelectorAll(".input-tile:not(.input-uploading)")];
const TYPES = /^image\//;
let bringing = false; // references from before a reload are being restored

// Show the notice for *n* references with this model; the texts come from the server.
function judge(n) {
  const notice = document.getElementById("tray-note");
  const most = Number(notice.dataset.most);
  const state = n && !most ? "cannot" : n > most ? "many" : n < Number(notice.dataset.least) ? "few" : "";
  if (n > judged) declined = "";
  judged = n;
  if ((state || !n) && switchModel(n)) return;
  const isSwitched = switched && chosenModel() === modelOption(switched.to);
  const shown = state || (isSwitched ? "switched" : "");
  for (const each of notice.children) each.hidden = each.dataset.note !== shown;
  if (shown === "switched") tellSwitch(notice.querySelector("[data-note=switched]"));
}

// Switch to a model that accepts references; without references switch back.
let judged = 0; // references at the latest check
let switched = null; // the model before and after, by value
let declined = ""; // the model that the user chose instead
const modelOptions = () => [...document.querySelectorAll("#menu-model [name=model]")];
const modelOption = (value) => modelOptions().find((each) => each.value === value);
const chosenModel = () => modelOptions().find((each) => each.checked);

function chooseModel(model) {
  model.checked = true;
  for (const name of ["input", "change"]) model.dispatchEvent(new Event(name, { bubbles: true }));
}

function switchModel(n) {
  const now = chosenModel();
  const isHeard = document.readyState === "complete"; // by htmx, which replaces the settings
  if (!now || declined === now.value || !isHeard) return false;
  if (!n) {
    if (switched?.to !== now.value) return false;
    chooseModel(modelOption(switched.from));
    switched = null;
    return true;
  }
  const fits = ({ dataset }) => n >= dataset.least && n <= dataset.most;
  const found = modelOptions().filter(fits).sort((a, b) => a.dataset.least - b.dataset.least)[0];
  if (!found) return false;
  switched = { from: now.value, to: found.value, isTold: false };
  chooseModel(found);
  return true;
}

function tellSwitch(paragraph) {
  const name = chosenModel().closest("label").querySelector("[data-label]").textContent;
  const message = paragraph.dataset.text.replace("{}", name);
  paragraph.firstElementChild.textContent = message;
  if (!switched.isTold) announce(message);
  switched.isTold = true;
}

function undoSwitch() {
  declined = switched.from;
  chooseModel(modelOption(switched.from));
  switched = null;
  prompt().focus();
}

function renumber() {
  if (!inputList()) return;
  const seen = new Set();
  for (const each of inputTiles()) {
    const id = each.querySelector("[name=image]").value;
    if (seen.has(id)) each.remove(); // it existed before
    seen.add(id);
  }
  const all = inputTiles();
  for (const [index, each] of all.entries()) {
    const number = each.querySelector(".input-number");
    number.textContent = number.dataset.text.replace("{}", index + 1);
    for (const button of each.querySelectorAll("button")) button.ariaLabel = button.dataset.text.replace("{}", index + 1);
    each.querySelector("[data-input-action=move]").disabled = index === 0;
  }
  document.getElementById("pictures").value = all.length;
  if (imagesOf(contents()).join() !== imagesOf(draft).join()) touched();
  judge(all.length);
  if (bringing) return;
  const ids = all.map((each) => each.querySelector("[name=image]").value);
  tab.set(TRAY, JSON.stringify(ids));
}

// Restore the references after a reload or another page, before those of a link. A form
// that a link fills with a task or a prompt is not changed.
async function bringBack() {
  const address = new URL(location.href);
  if (["again", "prompt", "saved"].some((name) => address.searchParams.has(name))) return;
  let ids = [];
  try { ids = JSON.parse(tab.get(TRAY)) || []; } catch { /* not ours */ }
  if (address.searchParams.has("image")) {
    address.searchParams.delete("image");
    history.replaceState(history.state, "", address);
  }
  if (!ids.length) return;
  bringing = true;
  const { dataset } = document.getElementById("tray");
  const wanted = new URLSearchParams(ids.map((id) => ["image", id]));
  const said = await fetch(`${dataset.there}?${wanted}`).then((answer) => answer.ok && answer.text(), () => false);
  const part = document.createElement("template");
  part.innerHTML = said || "";
  const back = part.content.childElementCount;
  inputList().prepend(part.content);
  bringing = false;
  if (said !== false) renumber(); // else retry after the next reload
  if (back < ids.length) refuse(dataset.lost);
  else announce(dataset.restored);
}

function refuse(message) {
  openDock();
  const paragraph = document.createElement("p");
  paragraph.className = "error";
  paragraph.textContent = message;
  document.getElementById("errors-images").replaceChildren(paragraph);
  announce(message);
}

function finishUpload(item, request) {
  coming.delete(item);
  if (request.status === 401) return signInAgain();
  const { dataset } = document.getElementById("tray");
  const part = document.createElement("template");
  if (request.status === 201) part.innerHTML = request.responseText;
  const tile = part.content.querySelector(".input-tile");
  if (!tile) {
    item.remove();
    const said = [422, 429, 503].includes(request.status) && /^text\/plain/.test(request.getResponseHeader("Content-Type"));
    return refuse(said ? request.responseText : dataset.failed);
  }
  item.replaceWith(tile);
  renumber();
  announce(dataset.added);
  const said = document.getElementById("errors-images");
  if (!coming.size && said.textContent.trim() === dataset.wait) said.replaceChildren();
}

// Reload, which leads to the sign-in and restores the draft; abort the uploads, since the
// page would ask whether to stay.
function signInAgain() {
  for (const request of coming.values()) request.abort();
  coming.clear();
  location.reload();
}

function upload(file) {
  const { dataset } = document.getElementById("tray");
  const item = document.getElementById("input-uploading").content.firstElementChild.cloneNode(true);
  item.querySelector(".input-name").textContent = file.name;
  item.querySelector("progress").ariaLabel = file.name;
  inputList().append(item);
  const request = new XMLHttpRequest();
  coming.set(item, request);
  request.upload.onprogress = ({ loaded, total }) => { item.querySelector("progress").value = 100 * loaded / total; };
  request.onload = () => finishUpload(item, request);
  request.onerror = () => finishUpload(item, request);
  request.open("POST", dataset.url);
  request.setRequestHeader("HX-Request", "true"); // else it would be requested from the sign-in page
  request.onloadend = () => { sending = false; sendNext(); };
  toSend.push([item, file]);
  sendNext();
}

function sendNext() {
  while (!sending && toSend.length) {
    const [item, file] = toSend.shift();
    const form = new FormData();
    form.append("file", file, file.name);
    coming.get(item)?.send(form); // unless it was cancelled
    sending = coming.has(item);
  }
}

function add(files) {
  openDock();
  document.getElementById("errors-images").replaceChildren();
  for (const file of files) upload(file);
}

function stop(item) {
  coming.get(item)?.abort();
  coming.delete(item);
  item.remove();
  document.getElementById("files").focus();
}

function remove(item) {
  const after = item.nextElementSibling || item.previousElementSibling;
  item.remove();
  renumber();
  (after?.querySelector("[data-input-action=remove], [data-input-action=stop]") || document.getElementById("files")).focus();
  announce(document.getElementById("tray").dataset.gone);
}

function tellPlace(item) {
  announce(document.getElementById("tray").dataset.moved.replace("{}", inputTiles().indexOf(item) + 1));
}

// Move a reference by one position.
function move(item, step, button) {
  const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (step < 0) other.before(item);
  else other.after(item);
  renumber();
  (button.disabled ? item.querySelector("[data-input-action=remove]") : button).focus();
  tellPlace(item);
}

document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const button = event.target.closest?.("[data-input-action=move], [data-input-action=remove]");
  if (!step || !button || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  move(button.closest(".input-tile"), step, button);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-input-action], [data-switch]");
  if (!button) return;
  event.preventDefault();
  const item = button.closest(".input-tile");
  if (button.dataset.inputAction === "stop") stop(item);
  else if (button.dataset.inputAction === "remove") remove(item);
  else if (button.dataset.inputAction === "move") move(item, -1, button);
  else if (button.dataset.inputAction === "unswitch") undoSwitch();
  else {
    chooseModel(modelOption(button.dataset.switch));
    prompt().focus();
  }
});

document.addEventListener("change", ({ target, isTrusted }) => {
  if (target.name === "model" && isTrusted) declined = judged ? target.value : "";
  if (target.id !== "files") return;
  add([...target.files]);
  target.value = ""; // uploaded files are not sent with the form again
});

// If the clipboard has text and a picture of it, paste the text.
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files].filter((file) => TYPES.test(file.type));
  if (!inputList() || !files.length || event.clipboardData.types.includes("text/plain")) return;
  event.preventDefault();
  add(files);
});

const carries = (event) => inputList() && event.dataTransfer?.types.includes("Files");
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    document.getElementById("composer").dataset.over = "";
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) delete document.getElementById("composer")?.dataset.over;
});
document.addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  delete document.getElementById("composer").dataset.over;
  add([...event.dataTransfer.files]);
});

// Do not submit during an upload.
document.addEventListener("submit", (event) => {
  if (event.target.id !== "composer" || !(coming.size || bringing)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  refuse(document.getElementById("tray").dataset.wait);
}, true);

// Leaving the page would abort the uploads.
addEventListener("beforeunload", (event) => { if (coming.size) event.preventDefault(); });

for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => {
    const before = judged;
    renumber();
    if (judged > before) openDock();
  });
}
bringBack();
renumber();
addEventListener("load", () => setTimeout(renumber)); // htmx starts from a timer
