// The prompt assistant: its text is shown below the prompt, and used on a press.
"use strict";

let assisting = null; // number of the latest request

async function assist(action) {
  const panel = document.getElementById("assisted");
  document.getElementById("menu-assistant").open = false;
  assisting?.abort();
  const mine = assisting = new AbortController();
  panel.textContent = panel.dataset.wait;
  const body = new URLSearchParams(contents());
  body.set("action", action);
  const request = { method: "POST", body, headers: { "HX-Request": "true" }, signal: mine.signal };
  const answer = await fetch(panel.dataset.url, request).catch(() => null);
  if (assisting !== mine) return;
  assisting = null;
  panel.replaceChildren();
  if (answer?.status === 401) return location.reload();
  if (!answer || isForeign(answer)) return offline(true);
  panel.innerHTML = await answer.text();
  panel.querySelector("button").focus();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-assist]");
  if (!button) return;
  const panel = document.getElementById("assisted");
  const { assist: action } = button.dataset;
  if (action === "use") take(panel.querySelector(".assisted-text").textContent);
  if (action !== "use" && action !== "dismiss") return assist(action);
  panel.replaceChildren();
  prompt().focus();
});
