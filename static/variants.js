// A prompt with {several|alternatives}: the main button makes all of them, once it says how
// many and at what price. Several lines are offered as a batch. The server estimates both.
"use strict";

const MAY_VARY = /[{｛][^]*[|｜][^]*[}｝]/; // the server decides whether it is a group
const LINES = /\S\s*\n\s*\S/;
const DELAY_MS = 400;
const offerBox = () => document.getElementById("batch-offer");
const mayVary = () => MAY_VARY.test(prompt().value);
const toOffer = () => (mayVary() || LINES.test(prompt().value) ? contents() : "");
let offerTimer = 0;
let offered = null; // the form that the estimate is of
let estimate = "waits"; // or "known", or "failed"
let shownBox = offerBox();

// Label the main button; without a label it makes the prompt as it is.
function labelSend(label = [], { url, pictures = "" } = {}) {
  const main = composer().querySelector(".primary");
  main.querySelector(".send-all").replaceChildren(...label);
  main.name = pictures && "confirmed";
  main.value = pictures;
  if (url) main.setAttribute("formaction", url);
  else main.removeAttribute("formaction");
}

function tellOffer(message, kind = "") {
  const paragraph = document.createElement("p");
  paragraph.className = kind;
  paragraph.textContent = message;
  offerBox().replaceChildren(paragraph);
}

async function offerBatch() {
  const values = toOffer();
  offered = values;
  const request = { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams(values) };
  const answer = values && await fetch(offerBox().dataset.url, request).catch(() => null);
  const part = document.createElement("template");
  part.innerHTML = answer?.ok ? await answer.text() : "";
  if (values !== offered) return; // the form has changed by now
  if (answer?.status === 401) return location.reload(); // to the sign-in
  const all = part.content.getElementById("all"); // of a prompt with alternatives
  const { again, failed } = offerBox().dataset;
  estimate = !values || (answer?.ok && (!all || all.dataset.url)) ? "known" : "failed";
  all?.remove();
  offerBox().replaceChildren(part.content);
  if (estimate === "known") return labelSend(all?.childNodes, all?.dataset);
  if (mayVary()) labelSend([again]);
  if (mayVary() && !answer?.ok) tellOffer(failed, "error");
}

function offerSoon() {
  if (offerBox() === shownBox && toOffer() === offered) return;
  shownBox = offerBox();
  offered = null;
  estimate = "waits";
  labelSend(mayVary() ? [offerBox().dataset.counting] : []);
  clearTimeout(offerTimer);
  offerTimer = setTimeout(offerBatch, DELAY_MS);
}

document.addEventListener("draft:stored", offerSoon);

// However the form is sent, it does what the main button says.
document.addEventListener("submit", (event) => {
  const { target, submitter } = event;
  if (target.id !== "composer" || submitter?.name === "literal") return;
  const main = target.querySelector(".primary");
  const isBatch = submitter?.hasAttribute("formaction");
  const isKnown = estimate === "known" && toOffer() === offered;
  const isOne = !mayVary() || (isKnown && !main.hasAttribute("formaction"));
  if (isOne && !isBatch) return;
  event.stopImmediatePropagation(); // htmx would send it as a task
  if (isKnown && isBatch) return remember(prompt().value.trim());
  event.preventDefault();
  if (isKnown) return setTimeout(() => target.requestSubmit(main)); // not within this event
  openDock();
  if (estimate === "failed") offered = null;
  offerSoon();
  tellOffer(offerBox().dataset.wait);
}, true);
offerSoon();
