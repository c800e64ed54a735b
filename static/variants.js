// Offer a batch below a prompt that has {several|alternatives} or several lines; the server
// computes the estimate.
"use strict";

const VARIANTS = /[{｛][^{}｛｝]*[|｜][^{}｛｝]*[}｝]|\S\s*\n\s*\S/;
const DELAY_MS = 400;
let offerTimer = 0;
let offered = ""; // the form that is offered as a batch

async function offerBatch() {
  const offer = document.getElementById("batch-offer");
  const values = VARIANTS.test(prompt()?.value) ? contents() : "";
  if (!offer || values === offered) return;
  offered = values;
  const request = { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams(values) };
  const answer = values && await fetch(offer.dataset.url, request).catch(() => null);
  if (values !== offered) return; // the prompt has changed by now
  offer.innerHTML = answer?.ok ? await answer.text() : "";
}

function offerSoon() {
  clearTimeout(offerTimer);
  offerTimer = setTimeout(offerBatch, DELAY_MS);
}

document.addEventListener("input", ({ target }) => { if (target.form?.id === "composer") offerSoon(); });
for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => {
    if (!document.getElementById("batch-offer")?.hasChildNodes()) offered = "";
    offerSoon();
  });
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-batch]");
  if (!button) return;
  remember(prompt().value.trim());
  const form = composer();
  const text = Object.assign(document.createElement("input"), { type: "hidden", name: "template", value: button.dataset.batch });
  form.append(text);
  form.action = button.dataset.url;
  form.submit();
});
offerSoon();
