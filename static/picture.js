// Comforts of a picture's own page. It works without them.
"use strict";

// Arrows lead to the neighbours (app.js), but not while they move within a text.
document.addEventListener("keydown", (event) => {
  const moves = event.key.startsWith("Arrow");
  if (moves && event.target.closest?.("pre, input")) event.stopPropagation();
}, true);

// A link is taken whole.
document.addEventListener("focusin", (event) => {
  if (event.target.id === "share-link") event.target.select();
});
