// Reorder references by dragging: at once with a mouse or a pen, with a finger after a long
// press, since a swipe scrolls the row.
"use strict";

(() => {
  const FAR = 6; // pixels after which a press becomes a drag
  const LONG = 300; // milliseconds of a long press
  const EDGE = 40; // pixels at the row's ends where it scrolls automatically
  const SPEED = 8; // pixels of scrolling per frame

  let press = null; // the press of a pointer on a picture; held: it is dragged

  function begin() {
    const { item, id } = press;
    press.held = true;
    press.grip = press.x - item.getBoundingClientRect().left;
    item.dataset.held = "";
    item.setPointerCapture(id);
    requestAnimationFrame(follow);
  }

  // The index among the others at the pointer.
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
    // A drag that began on a button must not click it.
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

  // While dragging, prevent scrolling, the context menu, and native drag and drop.
  document.addEventListener("touchmove", (event) => { if (press?.held) event.preventDefault(); }, { passive: false });
  document.addEventListener("contextmenu", (event) => { if (press?.touch) event.preventDefault(); });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".input-tile")) event.preventDefault(); });
})();
