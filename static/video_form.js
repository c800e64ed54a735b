// The form for videos: its words are kept in this tab until they are sent, and counted.
// All else that is chosen there the server answers itself.
"use strict";

const DRAFT = "video prompt";
const prompt = () => document.getElementById("prompt");

function count() {
  const counter = document.getElementById("counter");
  const length = [...prompt().value.trim()].length;
  counter.firstElementChild.textContent = length;
  counter.dataset.over = length > Number(counter.dataset.most);
}

document.addEventListener("input", ({ target }) => {
  if (target !== prompt()) return;
  tab.set(DRAFT, target.value);
  target.removeAttribute("aria-invalid");
  document.getElementById("errors-prompt").textContent = "";
  count();
});

// As in the form for pictures, whose list of keys has the preference.
document.addEventListener("keydown", (event) => {
  const { target, key, ctrlKey, metaKey, shiftKey } = event;
  if (event.isComposing || event.keyCode === 229 || target !== prompt() || key !== "Enter" || event.repeat) return;
  const sends = own.get("enter") !== "line" && !matchMedia("(pointer: coarse)").matches && !shiftKey;
  if (!ctrlKey && !metaKey && !sends) return;
  event.preventDefault();
  target.form.requestSubmit();
});

const enter = document.getElementById("enter-sends");
enter.checked = own.get("enter") !== "line";
enter.addEventListener("change", () => own.set("enter", enter.checked ? "send" : "line"));

// What is sent is no draft any more; its card appears at the top.
document.addEventListener("htmx:after:request", ({ detail }) => {
  if (detail.ctx?.sourceElement?.id !== "composer" || detail.ctx.response?.status !== 200) return;
  tab.set(DRAFT, "");
  window.scrollTo({ top: 0 });
});

// How much of the window it takes: what gets the focus is scrolled from under it.
const formHeight = new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty("--form", `${target.offsetHeight}px`);
});
function renewed() {
  formHeight.disconnect();
  formHeight.observe(document.getElementById("composer"));
  count();
}
document.addEventListener("htmx:after:swap", renewed);

prompt().value ||= tab.get(DRAFT) || "";
renewed();
