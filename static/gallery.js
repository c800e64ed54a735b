// Enhancements of the gallery: range selection, and filters that apply at once.
"use strict";

const main = document.getElementById("main");
const boxes = () => [...document.querySelectorAll("#photos .photo-check")];
let last = null; // the previous check box, where a range begins
let acting = false; // whether a request of the bar is in progress

// Store the time zone, by which the server groups pictures from the next page on.
document.cookie = `zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=lax`;

function count() {
  const n = boxes().filter((box) => box.checked).length;
  const counter = document.querySelector(".picks-count");
  if (counter) counter.textContent = counter.dataset.text.replace("{n}", n);
  const all = document.getElementById("select-all");
  if (all) all.disabled = n === boxes().length;
  for (const button of document.querySelectorAll("#selection button:not([type])")) {
    button.disabled = n === 0;
    button.hidden = n !== Number(button.dataset.for || n);
  }
}

function selecting(is) {
  const button = document.getElementById("select");
  if (!button) return;
  main.toggleAttribute("data-selecting", is);
  button.setAttribute("aria-pressed", is);
  if (!is) for (const box of boxes()) box.checked = false;
  last = null;
  acting = false;
  count();
}

// Set all check boxes from the previous one to this one to the same state.
function range(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (from < 0) return;
  for (const each of all.slice(from, to + 1)) each.checked = box.checked;
}

function press(box, withShift) {
  if (withShift && last) range(box);
  last = box;
  count();
}

document.addEventListener("click", (event) => {
  const photo = event.target.closest(".photo");
  if (event.target.matches(".photo-check")) press(event.target, event.shiftKey);
  else if (photo && !event.target.closest(".photo-tools") && wantsSelecting(event)) {
    event.preventDefault();
    const box = photo.querySelector(".photo-check");
    box.checked = !box.checked;
    press(box, event.shiftKey);
  } else if (event.target.closest("#select")) {
    selecting(!main.hasAttribute("data-selecting"));
    // Started by the keyboard: focus the first picture.
    if (document.activeElement === document.body) boxes()[0]?.focus();
  } else if (event.target.closest("#select-all")) {
    for (const box of boxes()) box.checked = true;
    count();
  } else if (event.target.closest("#selection [hx-post]")) acting = true;
});

// While pictures are selected, a click selects instead of following the link.
function wantsSelecting(event) {
  if (event.ctrlKey || event.metaKey || event.button) return false;
  return main.hasAttribute("data-selecting") || boxes().some((box) => box.checked);
}

document.addEventListener("reset", (event) => {
  if (event.target.id === "selection") setTimeout(() => selecting(false));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && wantsSelecting(event)) selecting(false);
});

// Filters.

const filters = document.getElementById("filters");
let soon = 0;

function apply() {
  clearTimeout(soon);
  filters.requestSubmit();
}

// Do not search while an input method is composing.
function later(event) {
  if (event.target.id !== "q" || event.isComposing) return;
  clearTimeout(soon);
  soon = setTimeout(apply, 350);
}

filters?.addEventListener("input", later);
filters?.addEventListener("compositionend", later);
filters?.addEventListener("change", (event) => { if (event.target.id !== "q") apply(); });
filters?.addEventListener("submit", () => {
  const active = [...new FormData(filters)].filter(([, value]) => value);
  const narrowed = active.filter(([name]) => name !== "q" && name !== "in").length;
  filters.querySelector(".filters-count").textContent = narrowed || "";
  filters.querySelector("summary").toggleAttribute("data-set", narrowed > 0);
  const query = new URLSearchParams(active).toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  selecting(false);
});

// Store the thumbnail size in a cookie, for the server's next page.
document.getElementById("size")?.addEventListener("input", ({ target }) => {
  document.getElementById("photos")?.setAttribute("data-size", target.value);
  document.cookie = `gallery_size=${target.value}; path=/; max-age=31536000; samesite=lax`;
});

// After the selected pictures and the bar were removed, focus the undo button.
function afterwards() {
  if (acting) announce(document.querySelector("#notices p")?.textContent ?? "");
  if (acting && !boxes().some((box) => box.checked)) {
    selecting(false);
    (document.getElementById("undo") || document.getElementById("select"))?.focus();
  }
  count();
}

for (const name of ["htmx:after:swap", "htmx:afterSwap"]) document.addEventListener(name, afterwards);
count();
