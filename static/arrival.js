// The result of an edit comes onto the stage by itself, with words and mask for the next,
// unless something else is looked at meanwhile.
"use strict";

(() => {
  let arrived = ""; // the URL of the result that is to be shown
  let composing = false; // by an input method
  const FIELDS = ".edit :is(.edit-prompt, .edit-n, select, .edit-strength input)";
  const OPEN = ".menu[open], .stage-drawer[open], .edit.htmx-request";

  // brush.js takes the mask from the source. Returns the field that has the focus.
  function keep(old, now) {
    now.dataset.continues = old.dataset.id;
    let focused = null;
    for (const field of old.querySelectorAll(FIELDS)) {
      const there = field.id && now.querySelector(`#${field.id}`);
      if (!there) continue;
      there.value = field.value;
      if (field.matches("textarea")) there.setSelectionRange(field.selectionStart, field.selectionEnd);
      if (field === document.activeElement) focused = there;
    }
    return focused;
  }

  function arrive() {
    const now = stage.article();
    if (!arrived || !now || composing || stage.isBusy || now.querySelector(OPEN)) return;
    if (!document.querySelector("dialog[open]:not(#stage)")) stage.show(arrived, 0, keep);
  }

  document.addEventListener("stage:shown", () => { arrived = ""; });
  document.addEventListener("pointerup", arrive); // the stroke is drawn
  for (const name of ["compositionstart", "compositionend"]) {
    document.addEventListener(name, () => {
      composing = name === "compositionstart";
      arrive();
    });
  }
  // The names of htmx 4 and 2.
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
    document.addEventListener(name, () => {
      const { dataset } = document.getElementById("strip") || {};
      if (dataset?.arrived) arrived = dataset.arrived;
      delete dataset?.arrived; // once
      arrive();
    });
  }
})();
