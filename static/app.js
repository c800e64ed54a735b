// Enhancements of every page; each page works without JavaScript.
"use strict";

// localStorage (own) and sessionStorage (tab), with separate keys for each user, since
// prompts are private. If storage is full or disabled, nothing is stored.
const who = document.body.dataset.who || "";
let signedOut = false; // then nothing is stored any more

function store(area) {
  const name = (key) => `jimeng-${who}-${key}`;
  return {
    get(key) { try { return area().getItem(name(key)); } catch { return null; } },
    set(key, value) { try { if (!signedOut) area().setItem(name(key), value); } catch { /* forgotten */ } },
    clear() {
      try {
        for (const key of Object.keys(area())) if (key.startsWith(name(""))) area().removeItem(key);
      } catch { /* there is nothing */ }
    },
  };
}

const own = store(() => localStorage);
const tab = store(() => sessionStorage);

// A channel to the other tabs of the same user.
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(`jimeng-${who}`) : null;
const heard = new Map([["left", () => { forget(); setTimeout(() => location.reload(), 1000); }]]);
tabs?.addEventListener("message", ({ data }) => heard.get(data)?.());

function forget() {
  signedOut = true;
  own.clear();
  tab.clear();
}

// Clear the storage at sign-out: Clear-Site-Data works over TLS only.
document.addEventListener("submit", ({ target }) => {
  if (!target.matches("form.who")) return;
  forget();
  tabs?.postMessage("left");
});

// Drafts outside the Create form are stored in this tab from the first key on: a
// session may have ended when they are sent.
const draftOf = (field) => `draft ${location.pathname} ${field.id}`;
document.addEventListener("input", ({ target }) => {
  if (target.matches?.("textarea[data-draft]")) tab.set(draftOf(target), target.value);
});

// Announce a message to screen readers only.
function announce(message) {
  const span = document.createElement("span");
  span.textContent = message;
  document.getElementById("announce").replaceChildren(span);
}

// An amount in yuan, with at least two decimals, as the server writes it.
function yuan(micros) {
  return (micros / 1e6).toFixed(6).replace(/0{1,4}$/, "");
}

// Format times in the user's time zone and locale.
function localise(root) {
  const page = document.documentElement.lang;
  const language =
    navigator.languages.find((each) => each.slice(0, 2) === page.slice(0, 2)) ?? page;
  for (const time of root.querySelectorAll("time:not([data-local])")) {
    const moment = new Date(time.dateTime);
    const style = "short" in time.dataset
      ? { month: "numeric", day: "numeric", hour: "numeric", minute: "2-digit" }
      : { dateStyle: "medium", timeStyle: "medium" };
    time.textContent = moment.toLocaleString(language, style);
    time.dataset.local = "";
  }
}

const PROBE = 3000; // milliseconds between two probes whether the server is back
let probing = 0;
// A POST that failed is not repeated automatically, since the form may have changed; the
// notice stays until a POST succeeds.
let isLost = false;
const isForm = ({ detail }) => detail.ctx?.request?.method?.toUpperCase() === "POST";

function offline(is) {
  const notice = document.querySelector(".offline");
  clearTimeout(probing);
  if (is) probing = setTimeout(probe, PROBE, notice.dataset.url);
  if (is) ahead = null; // no form comes: what was typed stays in this one
  const text = isLost ? notice.dataset.lost : is ? notice.dataset.text : "";
  if (text === notice.textContent) return;
  notice.toggleAttribute("data-on", text !== "");
  notice.textContent = text;
}

async function probe(url) {
  const back = await fetch(url, { cache: "no-store" }).then(({ ok }) => ok, () => false);
  offline(!back);
}

// Errors of this server have HX-Retarget or HX-Redirect. Others come from a proxy, for
// example while the server restarts or is overloaded, and are not inserted into the page.
const isForeign = ({ status, headers }) => status >= 400 && !headers.has("HX-Retarget") && !headers.has("HX-Redirect");

// Keyboard shortcuts: data-key="x", or "g c" for a sequence, clicks or focuses its element;
// "?" opens the list.

let before = "";

function keyOf(event) {
  const held = `${event.ctrlKey || event.metaKey ? "mod+" : ""}${event.altKey ? "alt+" : ""}`;
  // Alt writes other letters on a Mac, so there the physical key (event.code) counts.
  const letter = event.altKey && /^Key[A-Z]$/.test(event.code) ? event.code.at(-1) : event.key;
  return held + (letter.length === 1 ? letter.toLowerCase() : letter);
}

function isTyping(target) {
  return target.closest?.("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])");
}

// After a shortcut that leads to a prompt the next letters are its words, also before it is
// there: they are typed into the form that will be replaced, else into a hidden field, and
// appended to the prompt when it is there, also on the next page.
const AHEAD = "ahead";
let ahead = null; // {field, from}: what it held before

// A link to a form with a prompt to be written.
const isToWrite = ({ search }) => /[?&](prompt|again|image|first_frame)=/.test(search);

function typeAhead(field = document.createElement("textarea")) {
  if (!field.isConnected) {
    field.className = "unseen";
    (document.querySelector("dialog[open]") || document.body).append(field);
  }
  field.focus({ preventScroll: true });
  field.setSelectionRange(field.value.length, field.value.length);
  ahead = { field, from: field.value };
}

// What was typed so far, and is no longer in that field.
function typedAhead() {
  const { field, from } = ahead;
  ahead = null;
  const typed = field.value.slice(from.length);
  if (field.matches(".unseen")) field.remove();
  else write(field, from);
  return typed;
}

function write(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// The field that was to come is there, or missing.
function land(field) {
  const typed = ahead ? typedAhead() : tab.get(AHEAD) || null;
  if (typed === null || !field) return;
  tab.set(AHEAD, "");
  field.focus({ preventScroll: true });
  if (typed) write(field, field.value + typed);
}

addEventListener("pagehide", () => { if (ahead) tab.set(AHEAD, typedAhead()); });

function follow(key) {
  // On the stage, shortcuts also reach elements of a closed drawer.
  const over = document.querySelector("#stage[open]");
  const found = [...(over || document).querySelectorAll("[data-key]")].find(
    (each) => each.dataset.key === key && !each.hidden && (each.closest(".drawer") || each.checkVisibility?.() !== false));
  if (!found) return false;
  if (found.closest("[inert]")) return true; // of the previous picture, while the next one loads
  if (found.matches("input, textarea, select")) found.focus();
  else {
    found.click();
    if (isToWrite(found) && !isTyping(document.activeElement)) typeAhead();
  }
  return true;
}

// No key handler sees a key of an input method. Safari reports the key that ends a
// composition, as the Enter that takes a word, by its code alone.
const isComposing = (event) => event.isComposing || event.keyCode === 229;
addEventListener("keydown", (event) => { if (isComposing(event)) event.stopImmediatePropagation(); }, true);

function pressed(event) {
  if (event.repeat || event.defaultPrevented) return;
  const key = keyOf(event);
  const plain = !/^(mod|alt)\+/.test(key);
  if (isTyping(event.target) || own.get("keys") === "off") return;
  if (document.querySelector("dialog[open]:not(#stage)")) return;
  const both = `${before} ${key}`;
  const known = follow(both) || follow(key);
  before = plain && !known ? key : "";
  if (key === "?") show("keys");
  if (known || key === "?") event.preventDefault();
}

function show(id) {
  document.getElementById("keys-on").checked = own.get("keys") !== "off";
  document.getElementById(id).showModal();
}

// Without TLS, as in a home network, navigator.clipboard is unavailable.
function copyByHand(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  (document.querySelector("dialog[open]") || document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

async function copy(button) {
  const text = button.dataset.copy || document.querySelector(button.dataset.copies).textContent;
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyByHand(text);
  announce(button.dataset.copied);
  button.dataset.done = "";
  setTimeout(() => delete button.dataset.done, 2000);
}

document.addEventListener("keydown", pressed);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.getElementById("notices").replaceChildren();
  for (const menu of document.querySelectorAll(".menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Other tabs refresh after each POST from this one, by htmx or not.
let sends = false;
document.addEventListener("submit", ({ target }) => { sends = target.method === "post"; }, true);
for (const name of ["htmx:after:request", "htmx:afterRequest"]) {
  document.addEventListener(name, ({ detail }) => {
    if (/^get$/i.test(detail.ctx?.request?.method || detail.requestConfig?.verb || "get")) return;
    sends = false;
    tabs?.postMessage("changed");
  });
}
addEventListener("pagehide", () => { if (sends && !signedOut) tabs?.postMessage("changed"); });

// The second click of a double click could follow the first response, with its new token,
// and count as another request.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest?.("button:not([type=button])")) event.preventDefault();
}, true);

document.addEventListener("click", (event) => {
  const { target } = event;
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
  const button = target.closest?.("button");
  if (target.matches?.("dialog:not(#stage)")) target.close();
  else if (!button) return;
  else if (button.dataset.opens) show(button.dataset.opens);
  else if (button.dataset.closes) document.getElementById(button.dataset.closes).close();
  else if ("dismiss" in button.dataset) button.closest(".notice").remove();
  else if (button.dataset.copy || button.dataset.copies) copy(button);
});

document.addEventListener("change", (event) => {
  if ("showsPassword" in event.target.dataset) {
    for (const field of event.target.form.querySelectorAll("input[autocomplete$=-password]")) field.type = event.target.checked ? "text" : "password";
  }
  if (event.target.id === "keys-on") own.set("keys", event.target.checked ? "on" : "off");
});

// The names of htmx 4 and 2.
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => localise(document));
}
for (const name of ["htmx:error", "htmx:sendError"]) {
  document.addEventListener(name, (event) => {
    // htmx 4 also reports what failed after the whole response had arrived, such as its swap.
    if (event.detail.ctx?.text !== undefined) return;
    isLost ||= isForm(event);
    offline(true);
  });
}
for (const name of ["htmx:before:response", "htmx:beforeOnLoad"]) {
  document.addEventListener(name, (event) => {
    const { ctx, xhr } = event.detail;
    const has = (header) => xhr.getResponseHeader(header) !== null;
    if (!isForeign(ctx?.response || { status: xhr.status, headers: { has } })) return;
    event.preventDefault();
    isLost ||= isForm(event);
    offline(true);
  });
}
for (const name of ["htmx:after:request", "htmx:afterOnLoad"]) {
  document.addEventListener(name, (event) => {
    if (isForm(event)) isLost = false;
    offline(false);
  });
}
// Load the scripts that are not needed at first after everything else.
addEventListener("load", () => {
  for (const src of document.getElementById("later").dataset.scripts.split(/\s+/)) {
    const script = document.createElement("script");
    script.src = src;
    script.async = false;
    document.head.append(script);
  }
});
addEventListener("offline", () => offline(true));
addEventListener("online", () => offline(false));

localise(document);
