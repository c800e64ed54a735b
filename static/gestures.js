// Gestures on the picture of the viewer: pinch, wheel and double tap bring it closer,
// a drag moves it then; before, a swipe leads to the next one, and down, out of it.
"use strict";

const zoom = (() => {
  const stage = document.querySelector(".viewer-stage");
  const MOST = 8; // times
  const SWIPE = 60; // pixels that make one
  const STILL = 10; // pixels within which a finger has not moved
  const TWICE = 350; // milliseconds between two taps that are one
  const fingers = new Map();
  let place = { x: 0, y: 0, scale: 1 };
  let start = null; // where the only finger came down
  let tapped = null; // where and when the last tap was
  let outside = false; // it was beside the picture

  const clamp = (value, most, least = -most) => Math.min(Math.max(value, least), most);
  const far = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
  const isIn = () => place.scale > 1;

  function pointOf(event) { // from the middle of the stage
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.x - box.width / 2, y: event.clientY - box.y - box.height / 2 };
  }

  function draw(x, y, scale) {
    const { style } = stage.firstElementChild;
    style.translate = `${x}px ${y}px`;
    style.scale = scale;
  }

  // No edge of the picture comes further in than the edge of the stage.
  function put(x, y, scale) {
    const picture = stage.firstElementChild;
    if (!picture) return;
    const wide = Math.max(0, picture.offsetWidth * scale - stage.clientWidth) / 2;
    const high = Math.max(0, picture.offsetHeight * scale - stage.clientHeight) / 2;
    place = { x: clamp(x, wide), y: clamp(y, high), scale };
    draw(place.x, place.y, scale);
    stage.toggleAttribute("data-zoomed", isIn());
    stage.dispatchEvent(new Event("zoom"));
  }

  // What is under the point stays under it.
  function by(factor, point = { x: 0, y: 0 }) {
    const scale = clamp(place.scale * factor, MOST, 1);
    const ratio = scale / place.scale;
    put(point.x - (point.x - place.x) * ratio, point.y - (point.y - place.y) * ratio, scale);
  }

  const reset = () => put(0, 0, 1);

  // As large as it is, but at least twice as large as it was.
  function toggle(point) {
    const picture = stage.firstElementChild;
    if (isIn()) reset();
    else by(Math.max(2, picture.dataset.width / picture.offsetWidth), point);
  }

  function pinch(before, now, other) {
    by(far(now, other) / Math.max(far(before, other), 1), {
      x: (now.x + other.x) / 2, y: (now.y + other.y) / 2,
    });
    put(place.x + (now.x - before.x) / 2, place.y + (now.y - before.y) / 2, place.scale);
  }

  function tell(name, detail) {
    stage.dispatchEvent(new CustomEvent(name, { detail }));
  }

  function tap(point, time) {
    const again = tapped && time - tapped.time < TWICE && far(point, tapped) < 3 * STILL;
    tapped = again ? null : { ...point, time };
    if (again) toggle(point);
  }

  function release(x, y) {
    const aside = Math.abs(x) > SWIPE && Math.abs(x) > Math.abs(y);
    reset();
    if (aside) tell("swipe", x < 0 ? 1 : -1);
    else if (y > 1.5 * SWIPE && y > Math.abs(x)) tell("leave");
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button || !stage.firstElementChild) return;
    outside = event.target === stage && event.pointerType === "mouse";
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, pointOf(event));
    start = fingers.size === 1 ? pointOf(event) : null;
    stage.toggleAttribute("data-held", true);
  });

  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    fingers.set(event.pointerId, now);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(before, now, other);
    else if (isIn()) put(place.x + now.x - before.x, place.y + now.y - before.y, place.scale);
    else if (start) draw(now.x - start.x, Math.max(0, now.y - start.y), 1);
  });

  stage.addEventListener("pointerup", (event) => {
    if (!fingers.delete(event.pointerId)) return;
    stage.toggleAttribute("data-held", fingers.size > 0);
    if (!start) return;
    const now = pointOf(event);
    if (far(now, start) >= STILL) outside = false;
    if (far(now, start) < STILL) tap(now, event.timeStamp);
    else if (!isIn()) release(now.x - start.x, now.y - start.y);
    start = null;
  });

  stage.addEventListener("pointercancel", (event) => {
    fingers.delete(event.pointerId);
    stage.toggleAttribute("data-held", fingers.size > 0);
    start = null;
    if (!isIn()) reset();
  });

  stage.addEventListener("click", () => { if (outside && !isIn()) tell("leave"); });

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? 16 : 1); // Firefox counts lines
    // A pinch on a touchpad comes as a wheel with Ctrl, in small numbers.
    by(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), pointOf(event));
  }, { passive: false });

  addEventListener("resize", reset);
  return { by, reset, toggle, isIn };
})();
