// The stage: one picture with its tools, as a page or over a list; arrow keys then go
// through that list.
"use strict";

const stage = (() => {
  const over = document.getElementById("stage"); // the dialog, on pages with a list
  const AHEAD = 4; // pictures from the end at which older ones are loaded
  const SWIPE = 60; // pixels of a swipe
  const STILL = 8; // pixels; smaller movements of a pointer are ignored
  const TWICE = 350; // milliseconds between the taps of a double tap
  const HOLD = 220; // milliseconds after which a press shows the original
  const MODES = ["slide", "side", "flip"]; // how two pictures are compared
  const MOST = 8; // maximum scale
  const PLAIN = ({ button, ctrlKey, metaKey, shiftKey, altKey }) => !(button || ctrlKey || metaKey || shiftKey || altKey);
  let from = ""; // the URL of the list's picture that was shown last
  let position = 0; // the index of the link among all
  let request = 0; // number of the latest request: responses to earlier ones are dropped
  let tool = ""; // the open tool
  let mode = MODES.find((each) => each === own.get("compare")) || MODES[0];
  let flipped = false; // the other picture is shown in place of this one
  let pinned = null; // {whole, alt}: the pinned picture for comparison
  let around = 0; // the margin around the picture, as a fraction of its sides
  let asking = null; // what was asked for last
  let title = ""; // of the list's page
  let tools = null; // a promise that their scripts are there

  const holder = () => (over?.open ? over : document.getElementById("main"));
  const article = () => holder().querySelector(".stage");
  const part = (name) => article()?.querySelector(`.stage-${name}`);
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`stage:${name}`, { detail }));

  // The list.

  const links = () => [...document.querySelectorAll("a[data-view]")];
  const linkOf = (address) => links().find((each) => each.getAttribute("href") === address);
  const olderOnes = () => document.querySelector(".photos-more a, a.more");

  function follow() {
    if (!over?.open || !part("count")) return;
    const all = links();
    const link = linkOf(from);
    if (link) position = all.indexOf(link);
    part("count").textContent = `${Math.min(position + 1, all.length)} / ${all.length}${olderOnes() ? "+" : ""}`;
    for (const [rel, step] of [["prev", -1], ["next", 1]]) {
      const way = article().querySelector(`[rel=${rel}]`);
      const next = all[(link ? position : position - (step > 0 ? 1 : 0)) + step];
      way.hidden = !next;
      if (next) way.href = next.getAttribute("href");
    }
    if (position + AHEAD >= all.length) olderOnes()?.click();
    const next = all[position + 1]; // preload it
    if (next && !navigator.connection?.saveData) new Image().src = next.dataset.view;
  }

  // The parts that act on the picture.
  const ACTIONS = ".stage-bar > :not(.stage-close), .rail, .tools";

  // Until the next picture is there, the actions are the previous one's.
  function hold(is) {
    const actions = [...article().querySelectorAll(ACTIONS)];
    if (actions.some((each) => each.contains(document.activeElement))) part("view").focus({ preventScroll: true });
    for (const each of actions) each.inert = is;
    if (is) article().setAttribute("aria-busy", "true");
    else article().removeAttribute("aria-busy");
  }

  // Show the thumbnail until the large picture is loaded.
  function preview(link) {
    const small = link.querySelector("img");
    let now = article();
    if (!now) {
      now = document.createElement("article");
      now.className = "stage";
      now.innerHTML = '<header class="stage-bar"></header><div class="stage-view"><div class="stage-pane"><div class="stage-box"></div></div></div>';
      over.prepend(now);
    }
    const picture = document.createElement("img");
    picture.className = "stage-picture";
    picture.alt = small.alt;
    picture.width = small.getAttribute("width");
    picture.height = small.getAttribute("height");
    picture.src = small.currentSrc || small.src;
    picture.draggable = false;
    hold(true);
    now.querySelector(".stage-box").replaceChildren(picture);
    now.querySelector(".stage-mask")?.remove();
    zoom.reset();
  }

  // Unless another one was asked for meanwhile; notices in any case.
  function put(text, step, mine = request, keep) {
    const found = document.createElement("template");
    found.innerHTML = text;
    const now = found.content.querySelector(".stage");
    if (!now) return false;
    const notices = found.content.querySelector(".undo");
    if (notices) document.getElementById("notices").replaceChildren(notices);
    if (mine !== request) return true;
    const old = article();
    if (old?.querySelector(".stage-drawer")?.open) now.querySelector(".stage-drawer").open = true;
    const focus = old?.contains(document.activeElement) && document.activeElement;
    const typed = keep?.(old, now);
    if (old) old.replaceWith(now);
    else holder().prepend(now);
    htmx.process(now);
    localise(now);
    history.replaceState(history.state, "", now.dataset.url);
    document.title = now.dataset.title;
    begin(step);
    // Focus the new picture, for shortcuts.
    if (focus) (typed || focus.rel && now.querySelector(`[rel=${focus.rel}]:not([hidden])`) || part("view")).focus({ preventScroll: true });
    return true;
  }

  async function show(address, step = 0, keep) {
    const mine = ++request;
    const isOver = over?.open;
    const link = linkOf(address);
    if (link) {
      from = address;
      if (!keep) preview(link);
      follow(); // the next key continues from here
    }
    asking?.abort();
    asking = new AbortController();
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, cache: "no-store", signal: asking.signal }).catch(() => null);
    const text = await answer?.text().catch(() => "");
    await tools;
    if (mine === request) asking = null;
    if (mine !== request || isOver && !over.open) return;
    // Signed out, deleted, or no server: the page says which.
    if (!answer?.ok || !put(text, step, mine, keep)) location.assign(address);
  }

  const NOTES = ["notices", "announce"];

  function open(link) {
    const address = link.getAttribute("href");
    history.scrollRestoration = "manual";
    history.pushState({ stage: true }, "", address);
    raise(address);
  }

  function load(src) {
    const script = document.createElement("script");
    const loaded = new Promise((done) => { script.onload = script.onerror = done; });
    script.src = src;
    document.head.append(script);
    return loaded;
  }

  function raise(address) {
    tools ||= Promise.all((over.dataset.scripts?.trim().split(/\s+/) || []).map(load));
    title = document.title;
    over.showModal();
    // Notices must not be hidden below it.
    over.append(...NOTES.map((id) => document.getElementById(id)));
    show(address);
  }

  // The picture that was shown last; scrolled to only if it is out of view.
  function abandon() {
    request += 1;
    asking = null;
    tool = "";
    pinned = null;
    document.title = title;
    document.body.append(...NOTES.map((id) => document.getElementById(id)));
    over.querySelector(".stage")?.remove();
    const link = linkOf(from);
    if (!link) return;
    if (!isTyping(document.activeElement)) link.focus({ preventScroll: true });
    const { top, bottom } = link.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) link.scrollIntoView({ block: bottom - top < innerHeight ? "center" : "nearest" });
  }

  over?.addEventListener("close", () => {
    abandon();
    if (history.state?.stage) history.back();
  });

  addEventListener("popstate", () => {
    if (history.state?.stage) {
      if (!over) location.reload();
      else if (!over.open) raise(location.pathname + location.search);
    } else if (over) {
      over.close();
      history.scrollRestoration = "auto";
    } else if (article() && location.pathname !== new URL(article().dataset.url, location).pathname) location.reload();
  });

  function peel() {
    const opened = [...holder().querySelectorAll(".menu[open], .stage-drawer[open]")].at(-1);
    if (opened) {
      opened.open = false;
      opened.querySelector("summary").focus();
    } else if (isTyping(document.activeElement)) part("view").focus({ preventScroll: true });
    else return false;
    return true;
  }

  function leave() {
    if (over?.open) over.close();
    else if (history.state?.stage) history.back();
    else part("close").click();
  }

  function go(step) {
    const way = article().querySelector(step < 0 ? "[rel=prev]" : "[rel=next]");
    if (!way || way.hidden) return;
    // The first picture stays pinned for comparison.
    if (tool === "compare") pinned ||= { whole: part("picture").getAttribute("src"), alt: part("picture").alt };
    show(way.getAttribute("href"), step);
  }

  // Through the family; while comparing, of the other picture.
  function flip(step) {
    const compares = tool === "compare";
    const all = [...article().querySelectorAll(".strip-picture")].filter((each) => !compares || !each.matches("[aria-current]"));
    const next = all[all.findIndex((each) => each.matches(compares ? "[data-other]" : "[aria-current]")) + step];
    if (next && compares) pin({ whole: next.dataset.whole, alt: next.getAttribute("aria-label") });
    else if (next) show(next.getAttribute("href"));
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-view], a[data-verb=e], .stage a");
    if (!link || event.defaultPrevented || !PLAIN(event)) return;
    const address = link.getAttribute("href");
    if (link.matches("[data-view]")) open(link);
    else if (link.matches("[data-verb]")) {
      tool = "edit";
      open(link.closest(".slot").querySelector("[data-view]"));
      if (!event.detail) typeAhead(); // by its key
    }
    else if (tool === "compare" && link.closest(".strip")) {
      if (!link.matches("[aria-current]")) pin({ whole: link.dataset.whole, alt: link.getAttribute("aria-label") });
    } else if (link.matches(".stage-step")) go({ prev: -1, next: 1 }[link.rel]);
    else if (link.matches(".strip-picture")) { if (!link.ariaCurrent) show(address); }
    else if (link.matches(".stage-close") && (over?.open || history.state?.stage)) leave();
    else {
      // If the form is on this page it is filled without a reload.
      const inPlace = over?.open && [...document.querySelectorAll("a[hx-get]")].find(
        (each) => !over.contains(each) && each.getAttribute("href") === address);
      if (!inPlace) return;
      over.close();
      inPlace.click();
      if (!event.detail) typeAhead(document.getElementById("prompt"));
    }
    event.preventDefault();
  });

  // Zoom: the picture has a position in the view, in pixels.

  const zoom = (() => {
    let at = { x: 0, y: 0, scale: 1 }; // relative to the centre of the view; scale 1 shows the whole picture
    const clamp = (value, most, least = -most) => Math.min(Math.max(value, least), most);
    const natural = () => {
      const picture = part("picture");
      return ["Width", "Height"].map((side) => Number(picture.getAttribute(side)) || picture[`natural${side}`] || 1);
    };

    // The scale at which the whole picture fits, at most 1.
    function whole() {
      const { clientWidth: wide, clientHeight: high } = part("pane");
      const [width, height] = natural();
      const frame = 1 + 2 * around;
      return width * Math.min(wide / frame / width, high / frame / height, around ? Infinity : 1);
    }

    const most = () => Math.max(MOST * natural()[0] / whole(), 1);

    // No edge of the picture is moved inside the view.
    function put(x, y, scale) {
      const [view, spot] = [part("pane"), part("box")];
      if (!view || !part("picture")) return;
      const [width, height] = natural();
      const wide = whole() * scale;
      const high = wide * height / width;
      const free = 1 + 2 * around;
      const aside = Math.max(0, wide * free - view.clientWidth) / 2;
      const up = Math.max(0, high * free - view.clientHeight) / 2;
      at = { x: clamp(x, aside), y: clamp(y, up), scale };
      // The compared picture has the same position in its half.
      for (const { style } of [spot, part("other") || spot]) {
        style.left = `${(view.clientWidth - wide) / 2 + at.x}px`;
        style.top = `${(view.clientHeight - high) / 2 + at.y}px`;
        style.width = `${wide}px`;
        style.height = `${high}px`;
      }
      part("view").toggleAttribute("data-zoomed", isIn());
      const share = part("zoom");
      if (share) share.textContent = `${Math.round(100 * wide / width)}%`;
      tell("moved");
    }

    // The point under the pointer stays fixed.
    function by(factor, seen = { x: 0, y: 0 }) {
      const { clientWidth: wide, clientHeight: high } = part("pane");
      // In the other half it is the same point of the other picture.
      const point = { x: seen.x < -wide / 2 ? seen.x + wide : seen.x, y: seen.y < -high / 2 ? seen.y + high : seen.y };
      const scale = clamp(at.scale * factor, most(), 1);
      const ratio = scale / at.scale;
      put(point.x - (point.x - at.x) * ratio, point.y - (point.y - at.y) * ratio, scale);
    }

    const isIn = () => at.scale > 1;
    const reset = () => put(0, 0, 1);
    const pan = (x, y) => put(at.x + x, at.y + y, at.scale);

    // Natural size, but at least twice the current scale.
    function toggle(point) {
      if (isIn()) reset();
      else by(Math.max(2, natural()[0] / whole()), point);
    }

    return { by, pan, reset, toggle, isIn, natural, again: () => put(at.x, at.y, at.scale) };
  })();

  // The position of a pointer in pixels of the picture.
  function pixel(event) {
    const { left, top, width, height } = part("box").getBoundingClientRect();
    const [wide, high] = zoom.natural();
    return [(event.clientX - left) / width * wide, (event.clientY - top) / height * high];
  }

  // The painting tool is first; two fingers, the middle button and the space bar pan.

  const fingers = new Map();
  let start = null; // where the only pointer came down
  let tapped = null; // where and when the last tap was
  let painter = null; // {begin, move, end, cancel}: the tool that paints
  let paints = false; // whether the pressed pointer paints
  let space = false; // the space bar is held
  let holding = 0;

  const far = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

  function pointOf(event) { // from the middle of the picture's pane
    const box = part("pane").getBoundingClientRect();
    return { x: event.clientX - box.x - box.width / 2, y: event.clientY - box.y - box.height / 2 };
  }

  // The original while pressed, and the compared picture of the slider or flip modes.
  function before(is) {
    clearTimeout(holding);
    const image = part("before");
    const isOther = tool === "compare" && (mode === "slide" || mode === "flip" && flipped);
    const src = isOther ? part("other").dataset.whole : is && image?.dataset.src;
    part("view").toggleAttribute("data-before", Boolean(is && src));
    if (src && image.getAttribute("src") !== src) image.src = src;
    if (image) image.hidden = !src;
  }

  // Compare with the pinned picture, else the source, else a neighbour in the list.

  const same = (a, b) => new URL(a, location).href === new URL(b, location).href;

  function setOther({ whole, alt }) {
    const other = part("other");
    other.dataset.whole = whole;
    other.alt = alt;
  }

  function findOther() {
    const [other, button] = [part("other"), article().querySelector("[data-tool=compare]")];
    if (!button) return;
    const mine = part("picture").src;
    const near = over?.open && (links()[position + 1] || links()[position - 1]);
    if (pinned && !same(pinned.whole, mine)) setOther(pinned);
    else if (!other.dataset.whole && near) setOther({ whole: near.dataset.view, alt: near.querySelector("img").alt });
    button.hidden = !other.dataset.whole;
    markOther();
  }

  function markOther() {
    for (const each of article()?.querySelectorAll(".strip a") || []) {
      each.toggleAttribute("data-other", tool === "compare" && each.dataset.whole === part("other").dataset.whole);
    }
  }

  function compare(how = mode) {
    const [is, view, second] = [tool === "compare", part("view"), part("second")];
    if (!second) return;
    mode = how;
    if (is) view.dataset.compare = mode;
    else delete view.dataset.compare;
    second.hidden = !(is && mode === "side");
    if (!second.hidden) part("other").src = part("other").dataset.whole;
    part("compare").hidden = !is;
    for (const each of part("compare").querySelectorAll("[data-mode]")) each.setAttribute("aria-pressed", each.dataset.mode === mode);
    before(false);
    markOther();
    zoom.again();
  }

  function flipOver() {
    flipped = !flipped;
    compare();
    announce((flipped ? part("other") : part("picture")).alt);
  }

  function pin(chosen) {
    pinned = chosen;
    setOther(pinned);
    compare();
    announce(pinned.alt);
  }

  function down(event) {
    if (![0, 1, 5].includes(event.button) || event.target.closest("a, button, input, video, .expand-edge, .expand-corner")) return;
    const view = event.currentTarget;
    view.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, pointOf(event));
    if (fingers.size > 1) {
      if (paints) painter.cancel();
      paints = false;
      start = null;
      before(false);
      return;
    }
    start = pointOf(event);
    paints = Boolean(painter) && !space && event.button !== 1;
    view.toggleAttribute("data-held", true);
    if (paints) {
      event.preventDefault();
      painter.begin(event);
    } else if (!painter && tool !== "compare") holding = setTimeout(before, HOLD, true);
  }

  function moved(event) {
    const was = fingers.get(event.pointerId);
    if (!was) return painter?.hover(event);
    const now = pointOf(event);
    fingers.set(event.pointerId, now);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (start && far(now, start) >= STILL) clearTimeout(holding);
    if (other) {
      zoom.by(far(now, other) / Math.max(far(was, other), 1), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
      zoom.pan((now.x - was.x) / 2, (now.y - was.y) / 2);
    } else if (paints) painter.move(event);
    else if (zoom.isIn()) zoom.pan(now.x - was.x, now.y - was.y);
  }

  function up(event) {
    if (!fingers.delete(event.pointerId)) return;
    const view = event.currentTarget;
    view.toggleAttribute("data-held", fingers.size > 0);
    const held = view.hasAttribute("data-before");
    before(false);
    const from = start;
    start = null;
    if (paints) {
      paints = false;
      return event.type === "pointerup" ? painter.end(event) : painter.cancel();
    }
    if (!from || held || painter || event.type !== "pointerup") return;
    const now = pointOf(event);
    const [x, y] = [now.x - from.x, now.y - from.y];
    if (Math.hypot(x, y) < STILL) tap(now, event.timeStamp);
    else if (!zoom.isIn() && event.pointerType !== "mouse") release(x, y);
  }

  function tap(point, time) {
    if (tool === "compare" && mode === "flip") return flipOver();
    const again = tapped && time - tapped.time < TWICE && far(point, tapped) < 3 * STILL;
    tapped = again ? null : { ...point, time };
    if (again) zoom.toggle(point);
  }

  function release(x, y) {
    if (Math.abs(x) > SWIPE && Math.abs(x) > Math.abs(y)) go(x < 0 ? 1 : -1);
    else if (y > 1.5 * SWIPE && y > Math.abs(x)) leave();
  }

  function wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? 16 : 1); // Firefox reports lines
    // A pinch on a touchpad is reported as a wheel event with Ctrl and small deltas.
    zoom.by(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), pointOf(event));
  }

  // Tools: one is open at a time.

  const detailsOf = (name) => document.getElementById(`edit-${name === "erase" ? "repaint" : name}`);

  function choose(name) {
    tool = name;
    for (const button of article().querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === name);
    const details = detailsOf(name);
    if (details) for (const each of article().querySelectorAll(".tool")) each.open = each === details;
    if (details?.id === "edit-repaint") {
      details.toggleAttribute("data-erase", name === "erase");
      details.querySelector("textarea").disabled = name === "erase"; // erasing has no prompt
    }
    if (name !== "compare") pinned = null;
    flipped = false;
    compare();
    around = 0;
    painter = null;
    tell("tool", name);
    zoom.reset();
  }

  const opened = () => article().querySelector(".tool[open]")?.dataset.act || "";

  // Another picture is shown: the open tool stays open.
  function begin(step = 0) {
    const view = part("view");
    view.tabIndex = -1;
    const picture = part("picture");
    if (step) picture.dataset.step = step;
    if (!picture.complete) picture.style.backgroundImage = `url("${article().dataset.small}")`;
    for (const [name, listener] of [["pointerdown", down], ["pointermove", moved], ["pointerup", up], ["pointercancel", up]]) {
      view.addEventListener(name, listener);
    }
    view.addEventListener("contextmenu", (event) => { if (view.hasAttribute("data-before")) event.preventDefault(); });
    view.addEventListener("pointerleave", () => painter?.leave());
    view.addEventListener("wheel", wheel, { passive: false });
    watch.disconnect();
    watch.observe(view);
    fingers.clear();
    scrolled = [0, 0];
    const had = tool && article().querySelector(`[data-tool=${tool}]`);
    follow();
    findOther();
    tell("shown", article());
    article().querySelector(".strip [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    choose(had && !had.hidden ? tool : article().dataset.toolFirst || opened());
    land(article().querySelector(".tool[open] .edit-prompt:enabled"));
  }

  const watch = new ResizeObserver(() => zoom.again());

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.(".stage button");
    if (!button) return;
    if (button.matches(".stage-zoom")) zoom.toggle();
    const { tool: name, mode: how } = button.dataset;
    if (how === "flip" && mode === how) flipOver();
    else if (how) {
      own.set("compare", how);
      flipped = how === "flip";
      compare(how);
    }
    if (!name) return;
    choose(name === tool && name === "compare" ? opened() : name);
    if (painter) part("mask").focus({ preventScroll: true });
    if (name === "edit") detailsOf(name).querySelector("textarea").focus({ preventScroll: true });
  });

  document.addEventListener("input", ({ target }) => {
    if (target.closest(".stage-compare")) part("box").style.setProperty("--at", `${target.value}%`);
    if (target.matches(".edit select")) showCost(target.form);
  });

  // Show the price of the edit on its button, if it is known.
  function showCost(form) {
    const field = form.querySelector(".cost");
    if (!field) return;
    const { model, n } = form.elements;
    const prices = JSON.parse(field.dataset.micros);
    const micros = model ? prices[model.value] : Object.values(prices)[0];
    field.textContent = micros === undefined ? "" : `¥${yuan(micros * Number(n?.value || 1))}`;
  }

  const KEYS = {
    ArrowLeft: () => go(-1), // where letters are off
    ArrowRight: () => go(1),
    ArrowUp: () => flip(-1),
    ArrowDown: () => flip(1),
    "+": () => zoom.by(1.5),
    "=": () => zoom.by(1.5), // the same key, without Shift
    "-": () => zoom.by(1 / 1.5),
    0: () => zoom.reset(),
  };

  document.addEventListener("keydown", (event) => {
    if (!article() || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]:not(#stage)")) return;
    const key = keyOf(event);
    if (event.key === "Enter" && event.target.matches(".edit-prompt") && isSend(event)) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    if (key === " " && !event.target.closest?.("button, summary, a, textarea, select, input:not([type=range])")) {
      space = true;
      part("view").toggleAttribute("data-pan", true);
      event.preventDefault();
    }
    if (isTyping(event.target) || event.target.closest?.("pre, select, input, .menu")) return;
    if (key.length === 1 && (event.repeat || own.get("keys") === "off")) return;
    if (!KEYS[key]) return;
    event.preventDefault();
    KEYS[key]();
  });

  // As in the Create form, whose list of shortcuts has the preference.
  const isSend = ({ ctrlKey, metaKey, shiftKey }) => ctrlKey || metaKey ||
    !shiftKey && own.get("enter") !== "line" && !matchMedia("(pointer: coarse)").matches;

  document.addEventListener("keyup", ({ key }) => {
    if (key !== " ") return;
    space = false;
    part("view")?.removeAttribute("data-pan");
  });

  // Select the whole link on focus.
  document.addEventListener("focusin", ({ target }) => { if (target.id === "share-link") target.select(); });

  // Arrow keys open the neighbours (app.js), except in text fields. Escape is handled here
  // first; elsewhere it closes all menus, and a dialog.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && article() && !document.querySelector("dialog[open]:not(#stage)")) {
      event.preventDefault();
      if (event.target.matches(".stage-mask") && event.target.dispatchEvent(new CustomEvent("escape", { cancelable: true })) === false) return;
      if (!peel()) leave();
    }
    if (event.key.startsWith("Arrow") && event.target.closest?.("pre, input, select")) event.stopPropagation();
  }, true);

  // The names of htmx 4 and 2.
  let scrolled = [0, 0]; // the strip, which polls while an edit is in progress
  document.addEventListener("scroll", ({ target }) => { if (target.id === "strip") scrolled = [target.scrollLeft, target.scrollTop]; }, true);
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
    document.addEventListener(name, () => {
      follow();
      markOther();
      document.getElementById("strip")?.scrollTo(...scrolled);
    });
  }

  // On its own page the stage exists from the start; the tools are loaded after this.
  addEventListener("DOMContentLoaded", () => { if (!over && article()) begin(); });

  // After a deletion, remove the picture from the list and show the next one.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!over?.open || !form.closest(".stage") || !form.action.endsWith("/delete") && !/\/delete\?/.test(form.action)) return;
    event.preventDefault();
    const gone = links().find((each) => each.pathname.endsWith(`/${article().dataset.id}`));
    const next = links()[position + 1] || links()[position - 1];
    if (gone) from = next?.getAttribute("href") || "";
    const mine = ++request;
    hold(true);
    const answer = await fetch(form.action, { method: "POST", headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer && mine === request) hold(false);
    if (!answer?.ok) return answer ? location.reload() : offline(true);
    tabs?.postMessage("changed");
    if (!put(await answer.text(), 1, mine)) return location.assign(answer.url);
    gone?.closest("figure").remove();
    follow();
  });

  return {
    pixel, zoom, part, article, show,
    keep(share) { around = share; },
    paint(using) { painter = using; },
    get tool() { return tool; },
    get isBusy() { return tool === "compare" || fingers.size || asking; },
  };
})();
