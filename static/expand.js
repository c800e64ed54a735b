// Expanding on a picture's page: the edges are dragged, or moved by arrows; the frame
// shows the picture as it will be, and the numbers beside it are what is sent.
"use strict";

(() => {
  const box = document.querySelector(".expand");
  if (!box) return;
  const form = box.closest("form");
  const stage = box.querySelector(".expand-stage");
  const frame = box.querySelector(".expand-frame");
  const EDGES = ["top", "right", "bottom", "left"];
  const OUT = { top: [0, -1], right: [1, 0], bottom: [0, 1], left: [-1, 0] };
  const AROUND = 0.06; // of a side, so that handles are whole where an edge is furthest
  const wide = Number(box.dataset.width);
  const high = Number(box.dataset.height);
  const field = (edge) => form.elements[edge];
  const shape = () => form.querySelector("[name=shape]:checked");
  let drag = null; // {id, edges, x, y, from}

  // Hundredths of its side that an edge may grow by, with the model that is chosen.
  const most = () => Number(form.querySelector("option:checked")?.dataset.most || box.dataset.most);
  const bound = (value) => Math.min(Math.max(Math.round(value) || 0, 0), most());

  // Shares of the sides: those of the shape that is chosen, else the numbers.
  function shares() {
    const set = shape()?.dataset.edges?.split(" ").map(Number);
    return set || EDGES.map((edge) => bound(field(edge).value) / 100);
  }

  // As the server rounds, to the even one.
  function pixels(value) {
    const up = Math.round(value);
    return up - value === 0.5 && up % 2 ? up - 1 : up;
  }

  function show() {
    const [top, right, bottom, left] = shares();
    const margin = most() / 100 + AROUND;
    const all = 1 + 2 * margin;
    const part = (share) => `${100 * (margin - share) / all}%`;
    stage.style.setProperty("--inner", `${100 * margin / all}%`);
    frame.style.inset = [top, right, bottom, left].map(part).join(" ");
    const size = `${pixels(wide * (1 + left + right))}×${pixels(high * (1 + top + bottom))}`;
    box.querySelector("output").textContent = size;
    for (const [index, edge] of EDGES.entries()) {
      const share = Math.round(100 * [top, right, bottom, left][index]);
      const handle = box.querySelector(`.expand-edge[data-edges=${edge}]`);
      if (shape()?.value) field(edge).value = share; // what the shape comes to
      field(edge).max = handle.ariaValueMax = most();
      handle.ariaValueNow = share;
      handle.ariaValueText = handle.dataset.words.replace("{share}", share).replace("{size}", size);
    }
  }

  // The numbers of edges, which are meant from now on.
  function set(values) {
    for (const [edge, value] of Object.entries(values)) field(edge).value = bound(value);
    form.querySelector('[name=shape][value=""]').checked = true;
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
    // Arrows are meant for what was dragged: elsewhere they lead to another picture.
    frame.querySelector(`.expand-edge[data-edges=${edges[0]}]`).focus();
  }

  function go(event) {
    if (event.pointerId !== drag?.id) return;
    const { width, height } = box.querySelector("img").getBoundingClientRect();
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

  // An arrow along its way moves the edge with it; any other key is that of a slider.
  function steer(event) {
    const edge = event.target.dataset?.edges;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const pages = { PageUp: 10, PageDown: -10, Home: -100, End: 100 }[event.key];
    if (!OUT[edge] || !(moves || pages) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const along = moves && moves[0] * OUT[edge][0] + moves[1] * OUT[edge][1];
    const step = pages ?? (along || moves[0] - moves[1]) * (event.shiftKey ? 10 : 1);
    set({ [edge]: (Number(field(edge).value) || 0) + step });
  }

  stage.style.aspectRatio = `${wide} / ${high}`;
  stage.style.maxWidth = `calc(60dvh * ${wide / high})`;
  frame.addEventListener("pointerdown", begin);
  frame.addEventListener("pointermove", go);
  frame.addEventListener("pointerup", end);
  frame.addEventListener("pointercancel", end);
  frame.addEventListener("keydown", steer);
  form.addEventListener("input", show);
  show();
})();
