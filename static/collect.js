// The choice of a collection opens over the page, also over the viewer.
"use strict";

let from = null; // what had the focus before it opened

function collected() {
  const dialog = document.getElementById("choose");
  if (dialog?.matches("dialog:not([open])")) {
    if (document.activeElement !== document.body) from = document.activeElement;
    dialog.showModal();
    dialog.querySelector("[aria-invalid=true]")?.focus();
  } else if (from && !dialog) {
    // It went with the answer, and the focus with it: the viewer's keys need one.
    if (document.activeElement === document.body) from.focus({ preventScroll: true });
    from = null;
  }
  const news = document.querySelector("#notices .notice[data-collected]");
  if (!news) return;
  delete news.dataset.collected;
  announce(news.textContent.trim());
  // The viewer lies over the notices.
  const words = document.querySelector("#viewer[open] .viewer-words");
  if (words) words.textContent = news.querySelector("p").textContent;
}

// Nor is a refusal seen under what lies over the notices: the choice makes way for it, and
// the viewer says it.
function refusedBelow() {
  const wrong = document.querySelector("#notices > #error:not([data-told]) p");
  const over = document.querySelectorAll("#choose[open], #viewer[open]");
  if (!wrong || !over.length) return;
  wrong.closest("#error").dataset.told = "";
  document.getElementById("choose")?.close();
  const words = document.querySelector("#viewer[open] .viewer-words");
  if (words) words.textContent = wrong.textContent;
}

// A choice that was closed is over: what is swapped next must not open it again.
document.addEventListener("close", ({ target }) => { if (target.id === "choose") target.remove(); }, true);

for (const name of ["htmx:after:swap", "htmx:afterSwap"]) document.addEventListener(name, () => { collected(); refusedBelow(); });
collected(); // what came before this did
