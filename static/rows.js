// Rows of pictures that are loaded while scrolling: an incomplete last row is hidden until
// more pictures fill it, since it would move then.
"use strict";

const MORE = "#photos > .photos-more, #feed > .more";
const EACH = ".photo, .card";

function lastRow(asks) {
  const more = document.querySelector(MORE);
  if (!more || !asks && !more.matches(":has([hx-trigger*=revealed]), [hx-trigger*=revealed]")) return [];
  const photos = [];
  for (let each = more.previousElementSibling; each?.matches(EACH); each = each.previousElementSibling) photos.push(each);
  const last = photos.filter((each) => each.offsetTop === photos[0].offsetTop);
  return last.at(-1) === more.parentElement.querySelector(EACH) ? [] : last;
}

function holdLastRow(asks) {
  const before = document.querySelectorAll("[data-held]:is(.photo, .card)");
  const last = lastRow(asks);
  for (const each of last) each.dataset.held = "";
  // Show the earlier ones after the new layout was drawn, so that none moves.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    for (const each of before) if (!last.includes(each)) delete each.dataset.held;
  }));
}

for (const name of ["htmx:before:request", "htmx:beforeRequest"]) {
  document.addEventListener(name, ({ detail }) => {
    if ((detail.ctx?.sourceElement || detail.elt)?.closest?.(MORE)) holdLastRow(true);
  });
}
for (const name of ["htmx:after:swap", "htmx:afterSwap", "htmx:error", "htmx:sendError"]) document.addEventListener(name, () => holdLastRow());
addEventListener("resize", () => holdLastRow());
holdLastRow();
