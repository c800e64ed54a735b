// The settings below the prompt: the texts of their chips, and the random seed.
"use strict";

const MOST_SEED = 2 ** 31;

// Update a chip's text from the settings in its panel.
function tell(menu) {
  const now = menu.querySelector(".chip-now");
  const text = menu.querySelector("input:not([type=radio])");
  const chosen = menu.querySelector(":checked")?.closest("label");
  const label = text?.value.trim() || chosen?.querySelector("[data-label]")?.textContent;
  now.textContent = label ? label + (now.dataset.unit || "") : now.dataset.none;
  if ("none" in now.dataset) menu.firstElementChild.toggleAttribute("data-set", Boolean(label));
  const glyph = chosen?.querySelector(".glyph");
  if (glyph) menu.querySelector(".chip-glyph").replaceChildren(glyph.cloneNode(true));
}

function tellPixels() {
  const field = document.getElementById("pixels");
  if (!field) return;
  const size = document.querySelector("[name=size]:checked")?.value;
  const table = JSON.parse(field.dataset.pixels)[size] || {};
  const resolution = document.querySelector("[name=resolution]:checked")?.value;
  const pixels = table[resolution] || Object.values(table)[0] || size?.replace("x", "×");
  if (pixels) field.textContent = field.dataset.text.replace("{}", pixels);
}

// Show the number of pictures and their price, if known, on the button.
function tellCost() {
  const target = document.getElementById("cost");
  if (!target?.dataset.micros) return; // the server computes it for videos
  const chosenValue = (name) => document.querySelector(
    `#composer [name=${name}]:checked, #composer [name=${name}][type=hidden]`)?.value;
  const n = Number(chosenValue("n")) || 1;
  const table = JSON.parse(target.dataset.micros)[chosenValue("size")] || {};
  const micros = table[chosenValue("resolution")] ?? Object.values(table)[0];
  const parts = [n > 1 ? `×${n}` : "", micros === undefined ? "" : `¥${yuan(micros * n)}`];
  target.textContent = parts.filter(Boolean).join(" · ");
}

// In a narrow window one chip summarises the settings of the sheet.
const SUMMED_UP = ["#menu-size .chip-now", "[name=resolution]:checked + span", "[name=n]:checked + span", "#menu-style .chip-now"];

function tellSum() {
  const parts = [...document.querySelectorAll("#sheet select")].map((each) => each.value && each.selectedOptions[0].label);
  parts.push(...SUMMED_UP.map((each) => document.querySelector(`#sheet ${each}`)?.textContent.trim()));
  const target = document.getElementById("sum");
  if (target) target.textContent = parts.filter(Boolean).join(" · ");
}

// A phone in landscape shows all settings in a row.
matchMedia("(min-width: 40.01rem)").addEventListener("change", () => document.getElementById("sheet")?.hidePopover());

// Store the settings in a session cookie, from which the server renders the form after a
// reload.
let keeps = false;

function keepChoices() {
  keeps = true;
  const form = document.getElementById("composer");
  const values = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  if (values.has("image")) values.set("refers", "1");
  for (const name of ["prompt", "token", "image", "pictures", "template", "name", "list", "confirmed"]) values.delete(name);
  values.set("who", who);
  document.cookie = `${form.dataset.makes === "video" ? "video" : "choices"}=${values}; path=/; samesite=lax`;
}

// Remove a setting's error when it is changed.
function chosen(target) {
  const field = target.name === "style_own" ? "style" : target.name === "resolution" ? "size" : target.name;
  const errors = document.getElementById(`errors-${field}`);
  if (errors) errors.textContent = "";
  target.removeAttribute("aria-invalid");
  const menu = target.closest(".choice-menu");
  (menu?.firstElementChild || target.closest("fieldset"))?.removeAttribute("data-wrong");
  // Free text replaces a named style, and vice versa.
  if (target.name === "style") document.getElementById("style-own").value = "";
  if (target.name === "style_own") {
    for (const each of menu.querySelectorAll("[type=radio]")) each.checked = each.value === "" && !target.value.trim();
  }
  if (menu) tell(menu);
  tellPixels();
  tellCost();
  tellSum();
  count();
  keepChoices();
  touched();
}

function seed(action) {
  const field = document.getElementById("seed");
  field.value = action === "roll" ? Math.floor(Math.random() * MOST_SEED) : "";
  chosen(field);
}

document.addEventListener("input", ({ target }) => {
  if (target !== prompt() && target.closest?.("#composer")) chosen(target);
});

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.key !== "Enter" || !target.matches?.(".choice-panel .input")) return;
  event.preventDefault(); // else Enter would submit the form
  const menu = target.closest(".menu");
  menu.open = false;
  menu.firstElementChild.focus();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-seed]");
  if (button) seed(button.dataset.seed);
});

// The settings were replaced, for another model or with another form.
let current = document.getElementById("choices");
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => {
    const now = document.getElementById("choices");
    if (!now || now === current) return;
    current = now;
    tellSum();
    keepChoices();
    storeDraft();
  });
}

// Another tab may have stored other settings since.
addEventListener("pagehide", () => { if (keeps && !signedOut) keepChoices(); });
tellCost();
