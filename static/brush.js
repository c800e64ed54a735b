// The mask editor of the stage. Each picture's strokes are stored until the page is
// closed, for further edits and for undo.
"use strict";

(() => {
  const masks = new Map(); // by picture: {wide, high, done, undone}, and mask while it is shown
  const FILL = "rgb(13 150 190)";
  const DARK = "#10161c";
  const LIGHT = "#fff";
  const AROUND = [[1, 0], [-1, 0], [0, 1], [0, -1], [.7, .7], [-.7, .7], [.7, -.7], [-.7, -.7]];
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let now = null; // the state of the shown picture
  let kind = "brush"; // brush, eraser, lasso, rectangle
  let shape = null; // what is being drawn
  let frame = null; // the rectangle that the keyboard moves
  let pointer = null; // where the brush would paint, in pixels of the picture
  let asked = 0;

  const box = () => stage.article()?.querySelector(".brush");
  const canvas = () => stage.part("mask");
  const slide = () => box().querySelector("[type=range]");
  const isOpen = () => ["repaint", "erase"].includes(stage.tool) && Boolean(box());
  const width = () => Number(slide().value) / 100 * Math.max(now.wide, now.high);

  function trace(context, each) {
    context.globalCompositeOperation = each.erase ? "destination-out" : "source-over";
    context.fillStyle = context.strokeStyle = FILL;
    if (each.kind === "fill") context.fillRect(0, 0, now.wide, now.high);
    else if (each.kind === "clear") context.clearRect(0, 0, now.wide, now.high);
    else if (each.kind === "invert") {
      context.globalCompositeOperation = "source-out";
      context.fillRect(0, 0, now.wide, now.high);
    } else if (each.kind === "image") {
      context.fillRect(0, 0, now.wide, now.high);
      context.globalCompositeOperation = "destination-out";
      context.drawImage(each.image, 0, 0, now.wide, now.high);
    } else {
      context.lineWidth = each.width || 1;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      context.moveTo(...each.points[0]);
      for (const point of each.points) context.lineTo(...point);
      if (each.kind === "line") context.stroke();
      else context.fill();
    }
    context.globalCompositeOperation = "source-over";
  }

  // The mask canvas, as large as the picture; allocated only for the shown picture.
  function surface() {
    if (!now.mask) {
      now.mask = new OffscreenCanvas(now.wide, now.high);
      redraw();
    }
    return now.mask;
  }

  function redraw() {
    const context = surface().getContext("2d");
    context.clearRect(0, 0, now.wide, now.high);
    for (const each of now.done) trace(context, each);
    tellTools();
    later();
  }

  function add(each) {
    const context = surface().getContext("2d");
    now.done.push(each);
    now.undone = [];
    trace(context, each);
    tellTools();
    later();
  }

  // Whether the mask marks anything after erasing and clearing.
  function isEmpty() {
    const small = new OffscreenCanvas(64, 64);
    const context = small.getContext("2d");
    context.drawImage(surface(), 0, 0, 64, 64);
    return !context.getImageData(0, 0, 64, 64).data.some(Boolean);
  }

  function tellTools() {
    if (canvas()) canvas().dataset.kind = kind;
    for (const button of box()?.querySelectorAll("[data-brush]") || []) {
      const name = button.dataset.brush;
      if (name === "undo") button.disabled = !now.done.length;
      else if (name === "redo") button.disabled = !now.undone.length;
      else if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", name === kind);
    }
  }

  function later() {
    asked ||= requestAnimationFrame(() => { asked = 0; paint(); });
  }

  const sheets = [];

  function sheet(at, wide, high) {
    const had = sheets[at];
    if (had?.width !== wide || had.height !== high) sheets[at] = new OffscreenCanvas(wide, high);
    else {
      const context = had.getContext("2d");
      context.globalCompositeOperation = "source-over";
      context.clearRect(0, 0, wide, high);
    }
    return sheets[at];
  }

  // The overlay: the mask in one colour, its outline in two, one of which is visible on any
  // picture. As large as the view, so that the outline is equally thin at every zoom.
  function paint() {
    const view = canvas();
    if (!view || view.hidden || !now) return;
    const dense = Math.min(devicePixelRatio || 1, 2);
    const [wide, high] = [view.clientWidth * dense, view.clientHeight * dense].map(Math.round);
    if (!wide || !high) return;
    if (view.width !== wide || view.height !== high) Object.assign(view, { width: wide, height: high });
    const spot = stage.part("box");
    const [x, y, w, h] = [spot.offsetLeft, spot.offsetTop, spot.offsetWidth, spot.offsetHeight].map((each) => each * dense);
    const context = view.getContext("2d");
    context.clearRect(0, 0, wide, high);

    // The mask with the stroke in progress.
    const part = sheet(0, wide, high);
    const marks = part.getContext("2d");
    marks.save();
    marks.beginPath();
    marks.rect(x, y, w, h);
    marks.clip();
    marks.drawImage(surface(), x, y, w, h);
    if (shape) {
      marks.translate(x, y);
      marks.scale(w / now.wide, h / now.high);
      trace(marks, shape);
    }
    marks.restore();

    const edge = sheet(1, wide, high);
    const rim = edge.getContext("2d");
    const ring = (colour, size) => {
      const tinted = sheet(2, wide, high);
      const tint = tinted.getContext("2d");
      tint.drawImage(part, 0, 0);
      tint.globalCompositeOperation = "source-in";
      tint.fillStyle = colour;
      tint.fillRect(0, 0, wide, high);
      for (const [dx, dy] of AROUND) rim.drawImage(tinted, dx * size * dense, dy * size * dense);
    };
    ring(DARK, 2.5);
    ring(LIGHT, 1.25);
    rim.globalCompositeOperation = "destination-out";
    rim.drawImage(part, 0, 0);

    context.globalAlpha = .45;
    context.drawImage(part, 0, 0);
    context.globalAlpha = 1;
    context.drawImage(edge, 0, 0);
    const scale = w / now.wide;
    if (frame) outline(context, dense, () => context.rect(x + frame[0] * scale, y + frame[1] * scale, frame[2] * scale, frame[3] * scale));
    if (pointer && ["brush", "eraser"].includes(kind)) {
      outline(context, dense, () => context.arc(x + pointer[0] * scale, y + pointer[1] * scale, Math.max(width() * scale / 2, 1), 0, 2 * Math.PI));
    }
  }

  function outline(context, dense, path) {
    for (const [colour, line] of [[DARK, 3], [LIGHT, 1.25]]) {
      context.beginPath();
      path();
      context.strokeStyle = colour;
      context.lineWidth = line * dense;
      context.stroke();
    }
  }

  const painter = {
    begin(event) {
      canvas().focus({ preventScroll: true }); // the keyboard applies to it
      frame = null;
      const point = stage.pixel(event);
      const erase = kind === "eraser" || event.buttons === 32; // the eraser end of a pen
      const isLine = ["brush", "eraser"].includes(kind);
      shape = { kind: isLine ? "line" : "area", erase, width: width(), points: [point, point], corner: kind === "rectangle" && point };
      later();
    },
    move(event) {
      if (!shape) return;
      pointer = stage.pixel(event);
      if (shape.corner) {
        const [[x, y], [right, bottom]] = [shape.corner, pointer];
        shape.points = [[x, y], [right, y], [right, bottom], [x, bottom]];
      } else for (const each of event.getCoalescedEvents?.() || [event]) shape.points.push(stage.pixel(each));
      later();
    },
    end() {
      const drawn = shape;
      shape = null;
      if (drawn && (drawn.kind === "line" || drawn.points.length > 2)) add(drawn);
      later();
    },
    cancel() {
      shape = null;
      later();
    },
    hover(event) {
      pointer = event.pointerType === "touch" ? null : stage.pixel(event);
      later();
    },
    leave() {
      pointer = null;
      later();
    },
  };

  function undo(lists, message) {
    const [from, to] = lists;
    const last = from.pop();
    if (!last) return;
    to.push(last);
    announce(message);
    redraw();
  }

  function act(name, byKey) {
    if (name === "undo") undo([now.done, now.undone], box().dataset.undone);
    else if (name === "redo") undo([now.undone, now.done], box().dataset.redone);
    else if (["fill", "invert", "clear"].includes(name)) add({ kind: name });
    else {
      kind = name;
      // The keyboard moves a rectangle; a pointer draws one.
      frame = name === "rectangle" && byKey ? [now.wide * .3, now.high * .3, now.wide * .4, now.high * .4] : null;
      if (frame) canvas().focus({ preventScroll: true });
      tellTools();
      later();
    }
  }

  function steer(event) {
    const way = WAYS[event.key];
    if (event.key === "Enter" && frame) {
      const [x, y, w, h] = frame;
      frame = null;
      add({ kind: "area", points: [[x, y], [x + w, y], [x + w, y + h], [x, y + h]] });
      announce(box().dataset.painted);
    } else if (way && frame) {
      const at = event.shiftKey ? 2 : 0;
      const next = [...frame];
      next[at] += way[0] * now.wide / 50;
      next[at + 1] += way[1] * now.high / 50;
      next[2] = Math.min(Math.max(next[2], now.wide / 50), now.wide);
      next[3] = Math.min(Math.max(next[3], now.high / 50), now.high);
      next[0] = Math.min(Math.max(next[0], 0), now.wide - next[2]);
      next[1] = Math.min(Math.max(next[1], 0), now.high - next[3]);
      frame = next;
    } else return;
    event.preventDefault();
    event.stopPropagation();
    later();
  }

  const KEYS = { b: "brush", e: "eraser", l: "lasso", m: "rectangle" };

  document.addEventListener("keydown", (event) => {
    if (!isOpen() || isTyping(event.target) && event.target.type !== "range") return;
    if (document.querySelector("dialog[open]:not(#stage)")) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) act(key === "y" || event.shiftKey ? "redo" : "undo");
    else if (event.ctrlKey || event.metaKey || event.altKey || own.get("keys") === "off") return;
    else if (key === "[" || key === "]") {
      slide().value = Number(slide().value) + (key === "[" ? -1 : 1) * (Number(slide().value) < 6 ? 1 : 2);
      later();
    } else if (KEYS[key]) act(KEYS[key], true);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("click", (event) => {
    const name = event.target.closest?.(".brush button")?.dataset.brush;
    if (!name) return;
    act(name, event.detail === 0);
    // The space bar pans the picture, and must not press the button again.
    if (event.detail) canvas().focus({ preventScroll: true });
  });

  // The mask file: a PNG as large as the picture, transparent where it is painted.
  function masked() {
    const whole = new OffscreenCanvas(now.wide, now.high);
    const context = whole.getContext("2d");
    context.fillRect(0, 0, now.wide, now.high);
    context.globalCompositeOperation = "destination-out";
    context.drawImage(surface(), 0, 0);
    return whole.convertToBlob({ type: "image/png" });
  }

  let sending = false;

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.closest?.("#edit-repaint") || !now || "masked" in form.dataset) return;
    const file = form.elements.mask;
    if ("painted" in file.dataset) file.value = ""; // as it was sent before
    delete file.dataset.painted;
    if (isEmpty()) {
      if (file.files.length || form.elements.mask_id) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const said = document.createElement("p");
      said.className = "error";
      said.textContent = box().dataset.empty;
      form.querySelectorAll(".tool-said .error").forEach((each) => each.remove());
      form.querySelector(".tool-said").append(said);
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (sending) return;
    sending = true;
    const data = new DataTransfer();
    data.items.add(new File([await masked()], "mask.png", { type: "image/png" }));
    // WebKit ignores a submission in the same task of the event loop that encoded a canvas.
    await new Promise((done) => setTimeout(done));
    file.files = data.files;
    file.dataset.painted = "";
    form.dataset.masked = "";
    sending = false;
    form.requestSubmit();
    delete form.dataset.masked;
  }, true);

  // The stored mask of a rejected form or of a repeated edit.
  async function load(part, to) {
    const image = new Image();
    image.src = part.dataset.whole;
    await image.decode();
    to.done.unshift({ kind: "image", image });
    part.closest(".mask-stored").remove();
    if (to === now) redraw();
  }

  document.addEventListener("stage:shown", ({ detail: article }) => {
    // Another picture's mask is drawn again when its picture is shown again.
    for (const [id, each] of masks) {
      delete each.mask;
      if (!each.done.length && !each.undone.length) masks.delete(id);
    }
    now = null;
    const view = article.querySelector(".stage-mask");
    if (!view) return;
    const picture = article.querySelector(".stage-picture");
    const [wide, high] = ["width", "height"].map((side) => Number(picture.getAttribute(side)));
    // An edit's result begins with the mask of its source.
    const source = masks.get(article.dataset.continues);
    const done = source?.wide === wide && source.high === high ? [...source.done] : [];
    now = masks.get(article.dataset.id) || { wide, high, done, undone: [] };
    masks.set(article.dataset.id, now);
    view.addEventListener("keydown", steer);
    view.addEventListener("escape", (event) => {
      if (!frame) return;
      event.preventDefault();
      frame = null;
      later();
    });
    article.querySelector(".brush-size")?.addEventListener("input", later);
    const storedMask = article.querySelector(".mask-stored img[data-whole]");
    if (storedMask && !now.done.length) load(storedMask, now).catch(() => { /* The form sends its name. */ });
    tellTools();
  });

  function use() {
    const view = canvas();
    if (!view) return;
    view.hidden = !isOpen();
    frame = shape = pointer = null;
    stage.paint(isOpen() ? painter : null);
    if (isOpen()) later();
  }

  document.addEventListener("stage:tool", use);
  document.addEventListener("stage:moved", later);
})();
