// Enhancements of pages with live cards.
"use strict";

const UNSEEN = 15000; // milliseconds between two polls while the page is hidden
const looked = {}; // times of the latest polls by element
let state = null;

// htmx 4 has in detail.ctx what htmx 2 has in detail.
const sourceOf = ({ detail }) => detail.ctx?.sourceElement || detail.elt;
const targetOf = (event) => sourceOf(event)?.getAttribute?.("hx-target");
const statusOf = ({ detail }) => detail.ctx?.response?.status || detail.xhr?.status;

function on(names, listener) {
  for (const name of names.split(" ")) document.addEventListener(name, listener);
}

// While the tab is hidden most polls are skipped; the title stays correct.
on("htmx:before:request htmx:beforeRequest", (event) => {
  const source = sourceOf(event);
  if (!source?.matches?.("#ticker, .batch, #batch-now, #strip")) return;
  const now = Date.now();
  if (document.hidden && now - looked[source.id] < UNSEEN) event.preventDefault();
  else looked[source.id] = now;
});

// Restore open menus and the focus after a replacement.
on("htmx:before:swap htmx:beforeSwap", () => {
  // Keep the height of the batch's status, so that the pictures below do not move.
  const now = document.getElementById("batch-now");
  now?.parentElement.style.setProperty("--tall", `${now.offsetHeight}px`);
  const focus = document.activeElement;
  state = {
    focus,
    open: [...document.querySelectorAll("details[id][open]")],
    card: focus.closest("article")?.id,
    last: focus.matches(".more") ? focus.previousElementSibling : null,
  };
});

on("htmx:after:swap htmx:afterSwap", ({ detail }) => {
  if (!state || detail.isNew) return; // a refilled form starts with its menus closed
  // Unless the user has closed it in the meantime.
  for (const old of state.open) if (old.open && !old.isConnected) document.getElementById(old.id)?.setAttribute("open", "");
  const { focus, card, last } = state;
  if (focus.isConnected || document.activeElement !== document.body) return;
  const near = last?.nextElementSibling || (card && document.getElementById(card));
  const next = document.getElementById(focus.id) ||
    near?.querySelector(".card-prompt a, .card-gone button");
  next?.focus({ preventScroll: true });
});

// To the top for a task created by a card, to the prompt for a form that was filled.
on("htmx:after:request htmx:afterRequest", (event) => {
  const target = targetOf(event);
  if (!["#feed", "#composer"].includes(target) || statusOf(event) >= 400) return;
  sourceOf(event).closest("details")?.removeAttribute("open");
  if (target === "#feed") window.scrollTo({ top: 0 });
});

// What is typed while another form is on its way goes on in that one.
let typed = "";

document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[hx-target='#composer']")) typeAhead(document.getElementById("prompt"));
});

on("htmx:before:swap htmx:beforeSwap", (event) => {
  if (!["#composer", "#inputs"].includes(targetOf(event))) return;
  const isOther = targetOf(event) === "#composer" && statusOf(event) < 400;
  typed = ahead && isOther ? typedAhead() : "";
  ahead = null;
});

on("htmx:after:swap htmx:afterSwap", (event) => {
  if (targetOf(event) !== "#composer") return;
  const prompt = document.getElementById("prompt");
  prompt.focus();
  // Before create.js takes the form for the draft. A letter may have come since the swap.
  const words = prompt.defaultValue;
  if (typed) prompt.value = words + typed + prompt.value.slice(words.length);
});

// Shortcuts for the picture under the pointer or with the focus.
document.addEventListener("keydown", (event) => {
  const sheet = document.getElementById("feed");
  if (!sheet || event.defaultPrevented || event.repeat || own.get("keys") === "off") return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const slot = document.activeElement.closest(".slot") || sheet.querySelector(".slot:hover");
  const key = keyOf(event);
  const button = slot?.querySelector(key === "f" ? ".favourite button" : `[data-verb="${CSS.escape(key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
  if (key === "i") typeAhead(document.getElementById("prompt"));
}, true);
