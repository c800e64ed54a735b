// The choice of a collection opens over the page, also over the viewer.
"use strict";

function collected() {
  const dialog = document.getElementById("choose");
  if (dialog?.matches("dialog:not([open])")) dialog.showModal();
  const news = document.querySelector("#notices .notice[data-collected]");
  if (!news) return;
  delete news.dataset.collected;
  announce(news.textContent.trim());
  // The viewer lies over the notices.
  const words = document.querySelector("#viewer[open] .viewer-words");
  if (words) words.textContent = news.querySelector("p").textContent;
}

for (const name of ["htmx:after:swap", "htmx:afterSwap"]) document.addEventListener(name, collected);
collected(); // what came before this did
