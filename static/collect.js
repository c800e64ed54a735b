// The dialog for collections or tags, over the page or the stage.
"use strict";

let from = null; // the focused element before it opened

function collected() {
  const dialog = document.getElementById("choose");
  if (dialog?.matches("dialog:not([open])")) {
    if (document.activeElement !== document.body) from = document.activeElement;
    dialog.showModal();
    dialog.querySelector("[aria-invalid=true]")?.focus();
  } else if (from && !dialog) {
    // The response replaced the focused element; the stage's shortcuts need a focus.
    if (document.activeElement === document.body) from.focus({ preventScroll: true });
    from = null;
  }
  const news = document.querySelector("#notices .notice[data-collected]");
  if (!news) return;
  delete news.dataset.collected;
  announce(news.textContent.trim());
  const stage = document.querySelector(".stage");
  if (stage?.querySelector(".of-picture")) renew(stage);
}

// Update the picture's collections and tags.
async function renew(stage) {
  const answer = await fetch(stage.dataset.url, { headers: { "HX-Request": "true" }, cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  for (const now of part.content.querySelectorAll(".of-picture")) document.getElementById(now.id)?.replaceWith(now);
}

// Close the dialog if an error would be hidden below it.
function refusedBelow() {
  if (document.querySelector("#notices > #error:not([data-announced])")) {
    document.querySelector("#notices > #error").dataset.announced = "";
    document.getElementById("choose")?.close();
  }
}

// A late response must not open a closed dialog again.
document.addEventListener("close", ({ target }) => { if (target.id === "choose") target.remove(); }, true);

for (const name of ["htmx:after:swap", "htmx:afterSwap"]) document.addEventListener(name, () => { collected(); refusedBelow(); });
collected(); // what came before this did
