// The choices beside the prompt: what their chips say, and the dice.
"use strict";

const MOST_SEED = 2 ** 31;

// What a chip says of the choices in it.
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
  const line = document.getElementById("pixels");
  if (!line) return;
  const size = document.querySelector("[name=size]:checked")?.value;
  const table = JSON.parse(line.dataset.pixels)[size] || {};
  const resolution = document.querySelector("[name=resolution]:checked")?.value;
  const pixels = table[resolution] || Object.values(table)[0] || size?.replace("x", "×");
  if (pixels) line.textContent = line.dataset.words.replace("{}", pixels);
}

// What the button asks for: how many, and for how much, where that is known.
function tellCost() {
  const place = document.getElementById("cost");
  if (!place?.dataset.micros) return; // of videos the server says it
  const given = (name) => document.querySelector(
    `#composer [name=${name}]:checked, #composer [name=${name}][type=hidden]`)?.value;
  const n = Number(given("n")) || 1;
  const table = JSON.parse(place.dataset.micros)[given("size")] || {};
  const micros = table[given("resolution")] ?? Object.values(table)[0];
  const words = [n > 1 ? `×${n}` : "", micros === undefined ? "" : `¥${yuan(micros * n)}`];
  place.textContent = words.filter(Boolean).join(" · ");
}

// In a narrow window one chip says what the sheet behind it holds.
const SUMMED_UP = ["#menu-size .chip-now", "[name=resolution]:checked + span", "[name=n]:checked + span", "#menu-style .chip-now"];

function tellSum() {
  const words = [...document.querySelectorAll("#sheet select")].map((each) => each.value && each.selectedOptions[0].label);
  words.push(...SUMMED_UP.map((each) => document.querySelector(`#sheet ${each}`)?.textContent.trim()));
  const place = document.getElementById("sum");
  if (place) place.textContent = words.filter(Boolean).join(" · ");
}

// A phone that is turned has room for all of them in a row.
matchMedia("(min-width: 40.01rem)").addEventListener("change", () => document.getElementById("sheet")?.hidePopover());

// What is chosen is there again after a reload: the server reads it from this cookie,
// which goes with the window, and draws the form with it.
let keeps = false;

function keepChoices() {
  keeps = true;
  const form = document.getElementById("composer");
  const words = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  for (const name of ["prompt", "token", "image", "pictures", "template", "name", "list", "confirmed"]) words.delete(name);
  words.set("who", who);
  document.cookie = `${form.dataset.makes === "video" ? "video" : "choices"}=${words}; path=/; samesite=lax`;
}

// An error of a choice stays only as long as the choice.
function chosen(target) {
  const place = target.name === "style_own" ? "style" : target.name === "resolution" ? "size" : target.name;
  const errors = document.getElementById(`errors-${place}`);
  if (errors) errors.textContent = "";
  target.removeAttribute("aria-invalid");
  const menu = target.closest(".choice-menu");
  (menu?.firstElementChild || target.closest("fieldset"))?.removeAttribute("data-wrong");
  // Words of one's own take the place of a style with a name, and the other way round.
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
  if (event.isComposing || event.keyCode === 229 || event.key !== "Enter" || !target.matches?.(".choice-panel .input")) return;
  event.preventDefault(); // else it would send the form
  const menu = target.closest(".menu");
  menu.open = false;
  menu.firstElementChild.focus();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-seed]");
  if (button) seed(button.dataset.seed);
});

// Other choices have come, of another model or with another form.
let drawn = document.getElementById("choices");
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => {
    const now = document.getElementById("choices");
    if (!now || now === drawn) return;
    drawn = now;
    tellSum();
    keepChoices();
    hold();
  });
}

// Another tab may have chosen otherwise since.
addEventListener("pagehide", () => { if (keeps && !left) keepChoices(); });
tellCost();
