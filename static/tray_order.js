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
    press.before = item.nextElementSibling;
    press.grip = press.x - item.getBoundingClientRect().left;
    item.dataset.held = "";
    item.setPointerCapture(id);
    requestAnimationFrame(follow);
  }

  // The picture stays under the finger, and those that it passes make room.
  function follow() {
    if (!press?.held) return;
    const { item, now, grip } = press;
    const row = given();
    if (!row?.contains(item)) return end(); // another form has come
    const { left, right } = row.getBoundingClientRect();
    if (now < left + EDGE) row.scrollLeft -= SPEED;
    if (now > right - EDGE) row.scrollLeft += SPEED;
    item.style.translate = "";
    const middle = (each) => { const box = each.getBoundingClientRect(); return box.left + box.width / 2; };
    const at = now - grip + item.offsetWidth / 2;
    const { previousElementSibling: earlier, nextElementSibling: later } = item;
    if (earlier && at < middle(earlier)) put(() => earlier.before(item));
    else if (later && at > middle(later)) put(() => later.after(item));
    item.style.translate = `${now - grip - item.getBoundingClientRect().left}px 0`;
    requestAnimationFrame(follow);
  }

  // A capture ends where its element is moved in the document.
  function put(change) {
    change();
    renumber();
    press.item.setPointerCapture(press.id);
  }

  function end(back) {
    if (!press) return;
    clearTimeout(press.timer);
    const { item, held, before } = press;
    press = null;
    if (!held) return;
    delete item.dataset.held;
    item.style.translate = "";
    if (back) given().insertBefore(item, before);
    renumber();
    tellPlace(item);
  }

  document.addEventListener("pointerdown", (event) => {
    const item = event.target.closest?.(".given:not(.given-coming)");
    if (press || event.button || !item || event.target.closest("button")) return;
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
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".given")) event.preventDefault(); });
})();
