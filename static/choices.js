// The settings of the form: their summary, the price, and the random seed.
"use strict";

const MOST_SEED = 2 ** 31;

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

// The chip that opens the sheet summarises it.
const SUMMED_UP = ["[name=size]:checked ~ [data-label]", "[name=resolution]:checked + span", "[name=n]:checked + span"];

function tellSum() {
  const label = (each) => document.querySelector(`#sheet ${each}`)?.textContent.trim();
  const picked = [...document.querySelectorAll("#sheet select")].map((each) => each.value && each.selectedOptions[0].label);
  const style = document.getElementById("style-own")?.value.trim() || label("[name=style]:checked ~ [data-label]");
  const target = document.getElementById("sum");
  if (target) target.textContent = [...picked, ...SUMMED_UP.map(label), style].filter(Boolean).join(" · ");
}

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
  target.closest("[data-wrong]")?.removeAttribute("data-wrong");
  // Free text replaces a named style, and vice versa.
  if (target.name === "style") document.getElementById("style-own").value = "";
  if (target.name === "style_own") {
    for (const each of document.getElementsByName("style")) each.checked = each.value === "" && !target.value.trim();
  }
  if (target.name === "model") {
    document.querySelector("#menu-model .chip-now").textContent = target.closest("label").querySelector("[data-label]").textContent;
  }
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
  if (event.key !== "Enter" || !event.target.matches?.(".sheet .input")) return;
  event.preventDefault(); // else Enter would submit the form
  document.getElementById("sheet").hidePopover();
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
