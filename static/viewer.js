// The viewer: the pictures of this page, one at a time over it. It keeps no list of its
// own: what it goes through is what stands in the page, as searched and filtered.
"use strict";

const viewer = document.getElementById("viewer");
const stage = viewer.querySelector(".viewer-stage");
const AHEAD = 4; // pictures before the last one, where older ones are asked for
let viewed = ""; // the address of the page of the picture that is shown
let viewedPlace = 0; // among all

const views = () => [...document.querySelectorAll("a[data-view]")];
const viewOf = (address) => views().find((each) => each.getAttribute("href") === address);
const viewerPart = (name) => viewer.querySelector(`.viewer-${name}`);
const olderOnes = () => document.querySelector(".photos-more a, a.more");
const switchOf = (link) => link?.closest("figure").querySelector(".favourite button");

// The small picture stands there until the large one has come.
function large(picture, link, step) {
  const whole = new Image();
  whole.src = link.dataset.view;
  whole.decode().then(() => {
    if (!picture.isConnected) return;
    picture.src = whole.src;
    const next = views()[viewedPlace + (step || 1)];
    if (next && !navigator.connection?.saveData) new Image().src = next.dataset.view;
  }, () => { /* It is gone, or does not come: the small one stays. */ });
}

function view(link, step) {
  const small = link.querySelector("img");
  const picture = document.createElement("img");
  picture.className = "viewer-picture";
  picture.alt = small.alt;
  picture.draggable = false;
  for (const side of ["width", "height"]) {
    picture.dataset[side] = small.getAttribute(side);
    picture.style.setProperty(`--${side}`, small.getAttribute(side));
  }
  picture.src = small.currentSrc || small.src;
  if (step) picture.dataset.step = step;
  viewed = link.getAttribute("href");
  stage.replaceChildren(picture);
  zoom.reset();
  tellOfViewed();
  large(picture, link, step);
  // In place of the one before: the way back leads out of the viewer at once.
  history.replaceState({ viewed }, "");
  if (viewedPlace + AHEAD >= views().length) olderOnes()?.click();
}

function say(part, words) {
  // Said again, it would be read out again.
  if (part.textContent !== words) part.textContent = words;
}

function tellOfViewed() {
  const all = views();
  const link = viewOf(viewed);
  if (!link) return;
  viewedPlace = all.indexOf(link);
  say(viewerPart("count"), `${viewedPlace + 1} / ${all.length}${olderOnes() ? "+" : ""}`);
  say(viewerPart("words"), link.querySelector("img").alt);
  viewerPart("previous").setAttribute("aria-disabled", viewedPlace === 0);
  viewerPart("next").setAttribute("aria-disabled", viewedPlace === all.length - 1);
  viewerPart("page").href = link.href;
  viewerPart("collect").value = link.pathname.split("/").pop();
  viewerPart("again").href = link.dataset.again;
  viewerPart("download").href = link.closest("figure").querySelector("a[download]").href;
  const mark = switchOf(link);
  const heart = viewerPart("favourite");
  heart.setAttribute("aria-pressed", mark.getAttribute("aria-pressed"));
  heart.title = `${mark.title} (f)`;
  heart.querySelector("use").setAttribute("href", mark.querySelector("use").getAttribute("href"));
}

function go(step) {
  const all = views();
  // What has left the page meanwhile has left its place to the next one.
  const at = viewOf(viewed) ? viewedPlace : viewedPlace - (step > 0 ? 1 : 0);
  const next = all[at + step];
  if (next) view(next, step);
}

function openViewer(link) {
  // Leaving it scrolls nowhere by itself.
  history.scrollRestoration = "manual";
  history.pushState({ viewed: link.getAttribute("href") }, "");
  viewer.showModal();
  view(link, 0);
}

// A reload, or the way back from another page, ends where it began: in the viewer.
function resume() {
  const link = history.state?.viewed && viewOf(history.state.viewed);
  if (!link || viewer.open) return;
  viewer.showModal();
  view(link, 0);
}

// The picture that was seen last has the focus, and is moved to only if it is not in view.
function settle() {
  const link = viewOf(viewed);
  stage.replaceChildren();
  if (!link) return;
  link.focus({ preventScroll: true });
  const { top, bottom } = link.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) link.scrollIntoView({ block: bottom - top < innerHeight ? "center" : "nearest" });
}

viewer.addEventListener("close", () => {
  settle();
  if (history.state?.viewed) history.back();
});

addEventListener("popstate", () => {
  if (history.state?.viewed) resume();
  else {
    if (viewer.open) viewer.close();
    history.scrollRestoration = "auto";
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-view]");
  if (!link || event.defaultPrevented || event.button) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  openViewer(link);
});

// Where the form stands on the page it is filled in place.
viewerPart("again").addEventListener("click", (event) => {
  const { again } = viewOf(viewed)?.dataset || {};
  const inPlace = [...document.querySelectorAll("a[hx-get]")].find(
    (each) => each.getAttribute("href") === again);
  if (!inPlace || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  viewer.close();
  inPlace.click();
});

viewerPart("favourite").addEventListener("click", () => switchOf(viewOf(viewed))?.click());
viewerPart("zoom").addEventListener("click", () => zoom.toggle());
viewerPart("previous").addEventListener("click", () => go(-1));
viewerPart("next").addEventListener("click", () => go(1));
stage.addEventListener("swipe", ({ detail }) => go(detail));
stage.addEventListener("leave", () => viewer.close());
stage.addEventListener("zoom", () => viewerPart("zoom").setAttribute("aria-pressed", zoom.isIn()));

const VIEWER_KEYS = {
  ArrowLeft: () => go(-1),
  ArrowRight: () => go(1),
  f: () => viewerPart("favourite").click(),
  d: () => viewerPart("download").click(),
  r: () => viewerPart("again").click(),
  c: () => viewerPart("collect").click(),
  "+": () => zoom.by(1.5),
  "=": () => zoom.by(1.5), // the same key, without Shift
  "-": () => zoom.by(1 / 1.5),
  0: () => zoom.reset(),
};

viewer.addEventListener("keydown", (event) => {
  const key = keyOf(event);
  const act = VIEWER_KEYS[key];
  if (!act || event.isComposing) return;
  if (key.length === 1 && (event.repeat || own.get("keys") === "off")) return;
  event.preventDefault();
  act();
});

// The names of htmx 4 and 2.
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => { if (viewer.open) tellOfViewed(); });
}

// After htmx, which begins no sooner: until then a link to older ones leaves the page.
setTimeout(resume);
