// A picture's page: the brush that marks a part of it, and before and after.
"use strict";

const strokes = []; // in pixels of the picture, the first one first
const brush = document.querySelector(".brush");
const canvas = brush?.querySelector("canvas");
const wide = Number(brush?.dataset.width);
const high = Number(brush?.dataset.height);
const WIDEST = 1024; // pixels of the canvas that is seen; the mask has those of the picture
let erasing = false;
let stroke = null; // the one that is being drawn
let frame = null; // the rectangle that the keyboard moves

function trace(context, each) {
  context.globalCompositeOperation = each.erase ? "destination-out" : "source-over";
  context.lineWidth = each.width;
  context.lineCap = context.lineJoin = "round";
  if (each.box) return context.fillRect(...each.box);
  context.beginPath();
  context.moveTo(...each.points[0]);
  for (const point of each.points) context.lineTo(...point);
  context.stroke();
}

// All strokes, as large as *surface* is.
function draw(surface, colour) {
  const context = surface.getContext("2d");
  context.resetTransform();
  context.clearRect(0, 0, surface.width, surface.height);
  context.scale(surface.width / wide, surface.height / high);
  context.strokeStyle = context.fillStyle = colour;
  for (const each of strokes) trace(context, each);
  context.globalCompositeOperation = "source-over";
  return context;
}

function paint() {
  // Opaque, and clear as a whole: where strokes cross it is not darker.
  const context = draw(canvas, "rgb(13 150 190)");
  if (!frame) return;
  context.lineWidth = Math.max(wide, high) / 250;
  context.strokeStyle = "#fff";
  context.setLineDash([]);
  context.strokeRect(...frame);
  context.strokeStyle = "#000";
  context.setLineDash([context.lineWidth * 3]);
  context.strokeRect(...frame);
  context.setLineDash([]);
}

function place(event) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [(event.clientX - left) / width * wide, (event.clientY - top) / height * high];
}

function begin(event) {
  if (event.button) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true }); // the keys are meant for it
  canvas.setPointerCapture(event.pointerId);
  const share = Number(brush.querySelector("[type=range]").value) / 100;
  const point = place(event);
  stroke = { erase: erasing, width: share * Math.max(wide, high), points: [point, point] };
  strokes.push(stroke);
  paint();
}

function go(event) {
  if (!stroke) return;
  for (const each of event.getCoalescedEvents?.() || [event]) stroke.points.push(place(each));
  paint();
}

function undo() {
  if (strokes.pop()) announce(brush.dataset.undone);
  paint();
}

function rectangle() {
  frame = [wide * .3, high * .3, wide * .4, high * .4];
  canvas.focus();
  paint();
}

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function steer(event) {
  const way = WAYS[event.key];
  if ((event.ctrlKey || event.metaKey) && event.key === "z") undo();
  else if (event.key === "Enter" && frame) {
    strokes.push({ erase: erasing, box: frame });
    frame = null;
    announce(brush.dataset.painted);
  } else if (event.key === "Escape" && frame) frame = null;
  else if (way && frame) {
    const at = event.shiftKey ? 2 : 0;
    const [x, y, width, height] = frame;
    const next = [x, y, width, height];
    next[at] += way[0] * wide / 50;
    next[at + 1] += way[1] * high / 50;
    next[2] = Math.min(Math.max(next[2], wide / 50), wide);
    next[3] = Math.min(Math.max(next[3], high / 50), high);
    next[0] = Math.min(Math.max(next[0], 0), wide - next[2]);
    next[1] = Math.min(Math.max(next[1], 0), high - next[3]);
    frame = next;
  } else return;
  event.preventDefault();
  event.stopPropagation();
  paint();
}

// What was painted, clear in what is opaque elsewhere: the mask goes as a file.
function masked() {
  const painted = new OffscreenCanvas(wide, high);
  draw(painted, "#000");
  const whole = new OffscreenCanvas(wide, high);
  const context = whole.getContext("2d");
  context.fillRect(0, 0, wide, high);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(painted, 0, 0);
  return whole.convertToBlob({ type: "image/png" });
}

let sending = false;

async function send(event) {
  if (!strokes.length || "masked" in event.target.dataset) return;
  event.preventDefault();
  if (sending) return;
  sending = true;
  const data = new DataTransfer();
  data.items.add(new File([await masked()], "mask.png", { type: "image/png" }));
  document.getElementById("mask").files = data.files;
  event.target.dataset.masked = "";
  sending = false;
  event.target.requestSubmit();
  delete event.target.dataset.masked;
}

if (brush) {
  // Seen whole: a finger on it paints, and could not push the page on.
  canvas.parentElement.style.maxWidth = `calc(70dvh * ${wide / high})`;
  const scale = Math.min(1, WIDEST / Math.max(wide, high));
  canvas.width = Math.round(wide * scale);
  canvas.height = Math.round(high * scale);
  canvas.addEventListener("pointerdown", begin);
  canvas.addEventListener("pointermove", go);
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { stroke = null; });
  canvas.addEventListener("keydown", steer);
  // To the neighbours arrows lead only while nothing is painted: it would be lost.
  brush.addEventListener("keydown", (event) => { if (WAYS[event.key] && strokes.length) event.stopPropagation(); });
  brush.closest("form").addEventListener("submit", send);
  brush.addEventListener("click", ({ target }) => {
    const { brush: act } = target.closest("button")?.dataset || {};
    if (act === "undo") undo();
    else if (act === "rectangle") rectangle();
    else if (act === "erase") {
      erasing = !erasing;
      target.closest("button").setAttribute("aria-pressed", erasing);
    }
  });
}

// Numbers that are written are meant.
document.addEventListener("input", ({ target }) => {
  if (target.matches?.(".edges input")) target.form.querySelector('[name=shape][value=""]').checked = true;
  if (target.matches?.(".compare-slide")) target.parentElement.style.setProperty("--at", `${target.value}%`);
});
