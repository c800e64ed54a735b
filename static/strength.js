// Synchronise the strength's slider and number field.
"use strict";

function strengthTo(number, value) {
  number.value = value;
  number.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("input", ({ target }) => {
  const row = target.closest?.(".strength");
  if (!row) return;
  const [number, slide] = row.querySelectorAll("input");
  if (target === slide) strengthTo(number, slide.value);
  else if (/^\d{1,3}$/.test(number.value)) slide.value = number.value;
});

document.addEventListener("click", ({ target }) => {
  const row = target.closest?.("[data-strength]")?.closest(".strength");
  if (row) strengthTo(row.querySelector("input"), "");
});
