// The prompt: character count, history, submission.
"use strict";

// The length of the prompt as the server counts it: characters, including the style.
function count() {
  const field = prompt();
  const counter = document.getElementById("counter");
  if (!field || !counter) return;
  const named = document.querySelector("#menu-style [name=style]:checked");
  const ownStyle = document.getElementById("style-own")?.value.trim();
  const style = ownStyle ? [...ownStyle].length + 1 : Number(named?.dataset.length || 0);
  const length = [...field.value.trim()].length + style;
  counter.firstElementChild.textContent = length;
  counter.dataset.over = length > Number(counter.dataset.most);
}

let position = -1; // in the prompt history; -1 is the current draft
let unsent = "";

function walk(field, step) {
  const before = draft;
  if (position < 0) unsent = field.value;
  const shown = [...document.querySelectorAll("#feed .card-prompt")].map((each) => each.textContent.trim());
  const list = [...new Set([...earlier(), ...shown])].filter((each) => each !== unsent.trim());
  const next = Math.min(Math.max(position + step, -1), list.length - 1);
  if (next === position) return;
  const leaves = position < 0;
  position = next;
  field.value = position < 0 ? unsent : list[position];
  field.setSelectionRange(field.value.length, field.value.length);
  written(field);
  if (leaves) replaced(before);
}

// Remove the prompt's errors when it is changed.
function written(field) {
  field.removeAttribute("aria-invalid");
  document.getElementById("errors-prompt").textContent = "";
  touched();
  count();
}

document.addEventListener("input", ({ target }) => {
  if (target !== prompt()) return;
  position = -1;
  written(target);
});

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (target !== prompt()) return;
  if (event.altKey && (key === "ArrowUp" || key === "ArrowDown")) {
    event.preventDefault();
    walk(target, key === "ArrowUp" ? 1 : -1);
  } else if (key === "Enter" && isSend(event) && !event.repeat) {
    event.preventDefault();
    target.form.requestSubmit();
  }
});

// Enter submits, unless that is switched off, or on a touch keyboard, which has no
// Shift+Enter for a new line.
const enter = document.getElementById("enter-sends");
const enterSends = () => own.get("enter") !== "line" && !matchMedia("(pointer: coarse)").matches;
const isSend = ({ ctrlKey, metaKey, shiftKey }) => ctrlKey || metaKey || (enterSends() && !shiftKey);
enter.checked = own.get("enter") !== "line";
enter.addEventListener("change", () => own.set("enter", enter.checked ? "send" : "line"));

// The form was replaced: its contents are the draft now, and if it was rejected, the first
// invalid field gets the focus.
let form = composer();

function renewed() {
  count();
  const now = composer();
  if (now === form) return;
  form = now;
  const before = draft;
  storeDraft();
  replaced(before);
  showUndo();
  const wrong = form.querySelector("[aria-invalid=true]");
  // For a field in the closed sheet, the button that opens it.
  if (wrong) (wrong.checkVisibility() ? wrong : form.querySelector(".sum")).focus();
  else if (document.activeElement === document.body) form.querySelector(".primary").focus();
  prompt().setSelectionRange(prompt().value.length, prompt().value.length);
}

// The names of htmx 4 and 2.
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) document.addEventListener(name, renewed);
for (const name of ["htmx:after:request", "htmx:afterOnLoad"]) {
  document.addEventListener(name, (event) => {
    const source = event.detail.ctx?.sourceElement || event.detail.elt;
    const status = event.detail.ctx?.response?.status || event.detail.xhr?.status;
    if (source?.id !== "composer" || status !== 200) return;
    position = -1;
    // The prompt may have been changed since it was sent.
    const sent = event.detail.ctx?.request?.body?.get("prompt") ?? prompt().value;
    remember(sent.trim());
    tab.set(UNDO, "");
    showUndo();
    if (sent === prompt().value) closeDock();
    // Scroll to the new card, at the top.
    window.scrollTo({ top: 0 });
  });
}

// Move sticky elements above a phone's on-screen keyboard.
function avoidKeyboard() {
  const { height, offsetTop, scale } = window.visualViewport;
  const covered = window.innerHeight - height - offsetTop;
  if (covered > 80 && scale < 1.1) document.body.style.setProperty("--bottom", `${Math.round(covered)}px`);
  else document.body.style.removeProperty("--bottom");
}

// The dock opens over the sheet where one writes or comes by keyboard, and closes where one
// goes on to something else. A press on its buttons does not change it.
function closeDock() {
  composer().removeAttribute("data-open");
  if (document.activeElement === prompt()) prompt().blur();
}

document.addEventListener("focusin", ({ target }) => {
  if (!target.closest("#composer")) closeDock();
  else if (target.matches(":focus-visible") && !target.closest(".choice-panel, .sheet")) openDock();
});
// What has the focus after a press elsewhere got it by that press, to be written in.
document.addEventListener("click", ({ target }) => {
  if (target.isConnected && !target.closest("#composer") && document.activeElement !== prompt()) closeDock();
});
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && !document.querySelector(".menu[open], .sheet:popover-open, dialog[open]")) closeDock();
}, true);

for (const name of ["resize", "scroll"]) window.visualViewport?.addEventListener(name, avoidKeyboard);

rewrite();
count();
// Focus a prompt from a link, to be edited; not on touch screens, where the keyboard would
// open.
prompt().setSelectionRange(prompt().value.length, prompt().value.length);
if (isToWrite(location) && !matchMedia("(pointer: coarse)").matches) prompt().focus({ preventScroll: true });
addEventListener("DOMContentLoaded", () => land(prompt())); // choices.js is there
