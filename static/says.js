// Pictures of this server contain their prompt and settings as metadata: after one is
// dropped, pasted or chosen, the page offers to use them. They are read here, from both
// ends of the file; the values are untrusted.
"use strict";

const ENDS = 256 * 1024; // bytes at each end of the file, before or after the pixels
const MOST_PROMPT = 10_000;
const SAID = /<jimeng:Made>({[^<]*})<\/jimeng:Made>|jimeng:Made="({[^"<]*})"|jimeng:Made='({[^'<]*})'/;
const short = (value, most) => (typeof value === "string" && value.length <= most ? value : "");
let says = null; // the metadata of the latest picture

async function saidBy(file) {
  const ends = file.size > 2 * ENDS ? [file.slice(0, ENDS), "\n", file.slice(-ENDS)] : [file];
  const found = SAID.exec(await new Blob(ends).text());
  if (!found) return null;
  try {
    const said = JSON.parse((found[1] || found[2] || found[3]).replace(/&(?:quot|#34|#x22);/g, '"'));
    const prompt = short(said.prompt, MOST_PROMPT);
    if (!prompt) return null;
    const seed = Number.isInteger(said.seed) && said.seed >= 0 ? String(said.seed) : "";
    return { prompt, model: short(said.model, 100), size: short(said.size, 20), style: short(said.style, 64), seed };
  } catch { return null; }
}

async function offer(files) {
  const found = await Promise.all(files.map(saidBy)).catch(() => []);
  const first = found.find(Boolean);
  const { dataset } = document.getElementById("tray");
  if (!first) return;
  const answer = await fetch(dataset.offer).catch(() => null);
  if (!answer?.ok) return;
  says = first;
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  part.content.querySelector("q").textContent = first.prompt;
  document.querySelector(".says")?.remove();
  document.getElementById("tray").append(part.content);
  announce(document.querySelector(".says strong").textContent);
}

// Fill the form with the metadata, without the picture as a reference, and offer undo.
async function useSaid({ dataset }) {
  for (const item of [...coming.keys()]) stop(item);
  const n = new URLSearchParams(draft).get("n") || "1";
  await drawForm({ ...says, size: says.size || "1:1", n });
  prompt().focus();
  announce(dataset.done);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-says]");
  if (!button) return;
  const offerRow = button.closest(".says");
  if (button.dataset.says === "use") return useSaid(offerRow);
  offerRow.remove();
  prompt().focus();
});

// In the capture phase, before tray.js handles the files.
document.addEventListener("change", ({ target }) => { if (target.id === "files") offer([...target.files]); }, true);
for (const [name, part] of [["drop", "dataTransfer"], ["paste", "clipboardData"]]) {
  document.addEventListener(name, (event) => {
    const data = event[part];
    if (inputList() && data && !data.types.includes("text/plain")) offer([...data.files]);
  }, true);
}
