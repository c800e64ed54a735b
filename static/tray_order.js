// Pictures in the form are put in order by dragging: with a mouse or a pen at once, with
// a finger after holding still, since before that it pushes the row aside.
"use strict";

(() => {
  const FAR = 6; // pixels after which a press is a drag
  const LONG = 300; // milliseconds after which a still finger holds what it is on
  const EDGE = 40; // pixels at the row's ends where it moves on by itself
  const SPEED = 8; // pixels of it a frame

  let press = null; // of a pointer on a picture; held: it is dragged

  function begin() {
    const { item, id } = press;
    press.held = true;
    press.grip = press.x - item.getBoundingClientRect().left;
    item.dataset.held = "";
    item.setPointerCapture(id);
    requestAnimationFrame(follow);
  }

  // How many of the others it is held behind.
  function placeOf({ item, now, grip }) {
    const row = inputList();
    const middle = (each) => each.offsetLeft + each.offsetWidth / 2;
    const at = now - grip - row.getBoundingClientRect().left + row.scrollLeft + item.offsetWidth / 2 + row.offsetLeft;
    return [...row.children].filter((each) => each !== item && middle(each) < at).length;
  }

  // The dragged picture follows the pointer, and the others are shifted. The document is
  // changed at the end only, since that would end the touch.
  function follow() {
    if (!press?.held) return;
    const { item, now, grip } = press;
    const row = inputList();
    if (!row?.contains(item)) return end(true); // the form was replaced
    const { left: start, right } = row.getBoundingClientRect();
    if (now < start + EDGE) row.scrollLeft -= SPEED;
    if (now > right - EDGE) row.scrollLeft += SPEED;
    const all = [...row.children];
    const from = all.indexOf(item);
    const to = placeOf(press);
    const step = all[1] ? all[1].offsetLeft - all[0].offsetLeft : 0;
    for (const [index, each] of all.entries()) {
      const aside = index > from && index <= to ? -step : index < from && index >= to ? step : 0;
      if (each !== item) each.style.translate = `${aside}px 0`;
    }
    item.style.translate = "";
    item.style.translate = `${now - grip - item.getBoundingClientRect().left}px 0`;
    requestAnimationFrame(follow);
  }

  function swallow(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  function end(back) {
    if (!press) return;
    clearTimeout(press.timer);
    const last = press;
    press = null;
    if (!last.held) return;
    // Where it began on a button, that is not pressed.
    document.addEventListener("click", swallow, true);
    setTimeout(() => document.removeEventListener("click", swallow, true), 100);
    const { item } = last;
    const row = item.parentElement;
    for (const each of row?.children || []) each.style.translate = "";
    delete item.dataset.held;
    if (back || row !== inputList()) return;
    const others = [...row.children].filter((each) => each !== item);
    row.insertBefore(item, others[placeOf(last)] || null);
    renumber();
    tellPlace(item);
  }

  document.addEventListener("pointerdown", (event) => {
    const item = event.target.closest?.(".input-tile:not(.input-uploading)");
    if (press || event.button || !item) return;
    const touch = event.pointerType === "touch";
    press = { id: event.pointerId, item, x: event.clientX, y: event.clientY, now: event.clientX, touch };
    if (touch) press.timer = setTimeout(begin, LONG);
  });

  document.addEventListener("pointermove", (event) => {
    if (event.pointerId !== press?.id) return;
    press.now = event.clientX;
    if (press.held || Math.hypot(event.clientX - press.x, event.clientY - press.y) < FAR) return;
    if (press.touch) end();
    else begin();
  });

  document.addEventListener("pointerup", (event) => { if (event.pointerId === press?.id) end(); });
  document.addEventListener("pointercancel", (event) => { if (event.pointerId === press?.id) end(true); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !press?.held) return;
    event.stopPropagation();
    end(true);
  }, true);

  // What is held moves, and not the row; neither is it saved, nor dragged as a file.
  document.addEventListener("touchmove", (event) => { if (press?.held) event.preventDefault(); }, { passive: false });
  document.addEventListener("contextmenu", (event) => { if (press?.touch) event.preventDefault(); });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".input-tile")) event.preventDefault(); });
})();
