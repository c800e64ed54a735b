// Functions of every page that are not needed at first: app.js loads this file later.
"use strict";

// Restore drafts outside the Create form, as app.js stores them.
function drafts() {
  for (const field of document.querySelectorAll("textarea[data-draft]")) field.value ||= tab.get(draftOf(field)) || "";
}
drafts();
document.addEventListener("stage:shown", drafts);

// Remove notices from the URL, so that neither reload nor back shows them again.
const NEWS = ["done", "how", "n", "batch", "put", "left", "taken", "deleted"];
const query = new URLSearchParams(location.search);
if (query.has("done") || query.has("deleted")) {
  for (const name of NEWS) query.delete(name);
  history.replaceState(history.state, "", `${location.pathname}?${query}`.replace(/\?$/, "") + location.hash);
}

// Place a menu at its button: upwards if there is no space below, and never beyond the
// edge of the window, less the parts that stay in view.
function fit(list) {
  const form = document.getElementById("composer")?.getBoundingClientRect();
  const isAbove = form && form.top < innerHeight / 2;
  const top = isAbove ? Math.max(form.bottom, 0) : 0;
  const bottom = form && !isAbove ? Math.min(form.top, innerHeight) : innerHeight;
  list.removeAttribute("data-up");
  list.style.removeProperty("translate");
  const box = list.getBoundingClientRect();
  const button = list.parentElement.getBoundingClientRect();
  list.toggleAttribute("data-up", box.bottom > bottom && button.top - top > bottom - button.bottom);
  const aside = Math.max(8 - box.left, 0) || Math.min(document.documentElement.clientWidth - 8 - box.right, 0);
  if (aside) list.style.translate = `${aside}px 0`;
}

document.addEventListener("toggle", ({ target }) => {
  const list = target.matches?.(".menu[open]") && target.querySelector(":scope > .menu-list");
  if (list) fit(list);
}, true);

// A menu may be open before this script runs, or while the window is resized.
function fitAll() {
  for (const list of document.querySelectorAll(".menu[open] > .menu-list")) fit(list);
}
addEventListener("resize", fitAll);
fitAll();

// Arrow keys move into and through a menu, except in its form fields, which use them.
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const menu = event.target.closest?.(".menu");
  if (!step || !menu || event.altKey || event.target.matches("input, textarea, select")) return;
  event.preventDefault();
  menu.open = true;
  const fields = [...menu.querySelectorAll("input:checked")];
  const all = fields.length ? fields : [...menu.querySelectorAll("summary ~ * :is(a, button, input, textarea)")];
  const there = all.filter((each) => each.checkVisibility());
  const position = there.indexOf(document.activeElement);
  there.at(position < 0 ? (step - 1) / 2 : (position + step) % there.length)?.focus();
});

// Scroll the current tab into view.
for (const tabs of document.querySelectorAll(".tabs")) {
  const chosen = tabs.querySelector("[aria-current]");
  if (chosen) tabs.scrollLeft = chosen.offsetLeft + chosen.offsetWidth - tabs.offsetLeft - tabs.clientWidth;
}

// Validation messages in the page's language instead of the browser's.
function wanted(field) {
  const { dataset } = document.getElementById("wants");
  const { validity } = field;
  if (validity.valueMissing) return field.dataset.missing || dataset.missing;
  if (validity.typeMismatch && field.type === "email") return dataset.email;
  if (validity.badInput) return dataset.number;
  if (validity.tooShort) return dataset.short.replace("{}", field.minLength);
  if (validity.tooLong) return dataset.long.replace("{}", field.maxLength);
  if (validity.rangeUnderflow) return dataset.low.replace("{}", field.min);
  if (validity.rangeOverflow) return dataset.high.replace("{}", field.max);
  return field.title || dataset.other;
}

document.addEventListener("invalid", ({ target }) => {
  target.setCustomValidity("");
  target.setCustomValidity(wanted(target));
}, true);
for (const name of ["input", "change"]) {
  document.addEventListener(name, ({ target }) => target.setCustomValidity?.(""), true);
}

// Chromium retains a removed <img srcset> and its ancestors until its document is closed:
// move removed pictures to an empty document.
const elsewhere = document.implementation.createHTMLDocument("");
function letGo(pictures) {
  for (const each of pictures) if (!each.isConnected) elsewhere.adoptNode(each);
}
let outgoing = [];
for (const name of ["htmx:before:swap", "htmx:beforeSwap"]) {
  document.addEventListener(name, () => { outgoing = [...document.querySelectorAll("img[srcset]")]; });
}
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => {
    letGo(outgoing);
    outgoing = [];
  });
}

// The offline page reloads the page it replaced as soon as the server answers.
if (document.querySelector("[data-comes-back]")) {
  setInterval(() => {
    fetch(document.querySelector(".offline").dataset.url, { cache: "no-store" }).then(({ ok }) => ok && location.reload(), () => {});
  }, PROBE);
}
if (window.isSecureContext) {
  navigator.serviceWorker?.register(document.body.dataset.worker).catch(() => {});
}
