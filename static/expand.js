// The expansion frame on the stage: its edges are dragged, or moved by arrow keys; the form
// submits the numbers.
"use strict";

(() => {
  const EDGES = ["top", "right", "bottom", "left"];
  const OUT = { top: [0, -1], right: [1, 0], bottom: [0, 1], left: [-1, 0] };
  const AROUND = 0.04; // of a side, so that handles are whole where an edge is furthest
  let drag = null; // {id, x, y, from}

  const frame = () => stage.article()?.querySelector(".expand-frame");
  const form = () => document.querySelector("#edit-expand form");
  const field = (edge) => form().elements[edge];
  const shape = () => form().querySelector("[name=shape]:checked");

  // The model's limit for an edge, in percent of that side.
  const most = () => Number(form().querySelector("option:checked[data-most]")?.dataset.most || frame().dataset.most);
  const bound = (value) => Math.min(Math.max(Math.round(value) || 0, 0), most());

  // The expansion as fractions of the sides: of the chosen ratio, else from the numbers.
  function shares() {
    const set = shape()?.dataset.edges?.split(" ").map(Number);
    return set || EDGES.map((edge) => bound(field(edge).value) / 100);
  }

  // Round half to even, like the server.
  function pixels(value) {
    const up = Math.round(value);
    return up - value === 0.5 && up % 2 ? up - 1 : up;
  }

  function show() {
    const box = frame();
    if (!box || !form()) return;
    const [top, right, bottom, left] = shares();
    box.style.inset = [top, right, bottom, left].map((share) => `${-100 * share}%`).join(" ");
    const [wide, high] = [box.dataset.width, box.dataset.height].map(Number);
    const size = `${pixels(wide * (1 + left + right))}×${pixels(high * (1 + top + bottom))}`;
    form().querySelector(".expand-size").textContent = `${wide}×${high} → ${size}`;
    for (const [index, edge] of EDGES.entries()) {
      const share = Math.round(100 * [top, right, bottom, left][index]);
      const handle = box.querySelector(`.expand-edge[data-edges=${edge}]`);
      if (shape()?.value) field(edge).value = share; // what the shape comes to
      field(edge).max = handle.ariaValueMax = most();
      handle.ariaValueNow = share;
      handle.ariaValueText = handle.dataset.text.replace("{share}", share).replace("{size}", size);
    }
  }

  // Set the numbers of the edges, and select the custom expansion.
  function set(values) {
    for (const [edge, value] of Object.entries(values)) field(edge).value = bound(value);
    form().querySelector('[name=shape][value=""]').checked = true;
    show();
  }

  function begin(event) {
    const handle = event.target.closest("[data-edges]");
    if (!handle || event.button || drag) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const edges = handle.dataset.edges.split(" ");
    const from = Object.fromEntries(edges.map((edge) => [edge, Number(field(edge).value) || 0]));
    drag = { id: event.pointerId, x: event.clientX, y: event.clientY, from };
    // Focus the dragged edge, since arrow keys elsewhere open another picture.
    frame().querySelector(`.expand-edge[data-edges=${edges[0]}]`).focus({ preventScroll: true });
  }

  function go(event) {
    if (event.pointerId !== drag?.id) return;
    const { width, height } = stage.part("box").getBoundingClientRect();
    const across = 100 * (event.clientX - drag.x) / width;
    const down = 100 * (event.clientY - drag.y) / height;
    set(Object.fromEntries(Object.entries(drag.from).map(
      ([edge, value]) => [edge, value + across * OUT[edge][0] + down * OUT[edge][1]])));
  }

  function end(event) {
    if (event.pointerId !== drag?.id) return;
    if (event.type === "pointercancel") set(drag.from);
    drag = null;
  }

  // Arrow keys along its axis move the edge; other keys work as for a slider.
  function steer(event) {
    const edge = event.target.dataset?.edges;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const pages = { PageUp: 10, PageDown: -10, Home: -100, End: 100 }[event.key];
    if (!OUT[edge] || !(moves || pages) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const along = moves && moves[0] * OUT[edge][0] + moves[1] * OUT[edge][1];
    const step = pages ?? (along || moves[0] - moves[1]) * (event.shiftKey ? 10 : 1);
    set({ [edge]: (Number(field(edge).value) || 0) + step });
  }

  document.addEventListener("stage:shown", ({ detail: article }) => {
    const box = article.querySelector(".expand-frame");
    if (!box) return;
    box.addEventListener("pointerdown", begin);
    box.addEventListener("pointermove", go);
    box.addEventListener("pointerup", end);
    box.addEventListener("pointercancel", end);
    box.addEventListener("keydown", steer);
    show();
  });

  document.addEventListener("stage:tool", ({ detail: tool }) => {
    const box = frame();
    if (!box) return;
    box.hidden = tool !== "expand";
    if (box.hidden) return;
    stage.keep(most() / 100 + AROUND); // space for it
    show();
  });

  document.addEventListener("input", ({ target }) => {
    if (!target.closest("#edit-expand")) return;
    // Typing numbers selects the custom expansion.
    if (target.matches(".edges input")) form().querySelector('[name=shape][value=""]').checked = true;
    show();
  });
})();
