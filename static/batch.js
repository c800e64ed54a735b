// The batch form: its text is stored in this tab, files are read into it, and the estimate
// is requested after each change.
"use strict";

const DRAFT = "draft /batches/new template"; // as app.js stores it
const PICTURES = "pictures of /batches/new";
const NONE = "-"; // marks that all inputs were removed
const template = document.getElementById("template");
if (document.getElementById("batch-sent")) {
  tab.set(DRAFT, "");
  tab.set(PICTURES, "");
  history.replaceState(history.state, "", location.pathname);
}

// Functions that choices.js expects, as of the Create form.
var prompt = () => template;
var count = () => {};
var storeDraft = () => {};
var touched = () => recount();

function recount() {
  template?.dispatchEvent(new Event("input", { bubbles: true }));
}

// The draft of the Create form as one template line, escaped unless it contains
// alternatives.
function carried() {
  const stored = new URLSearchParams(tab.get("form") || "").get("prompt") || "";
  const joined = stored.trim().split(/\s+/).join(" ");
  return /[{｛][^{}｛｝]*[|｜][^{}｛｝]*[}｝]/.test(joined) ? joined : joined.replace(/[{}|\\｛｝｜]/g, "\\$&");
}

// Decode a text file: UTF-8, else GB 18030.
async function read(file) {
  const bytes = await file.arrayBuffer();
  try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { return new TextDecoder("gb18030").decode(bytes); }
}

async function take(files) {
  const texts = await Promise.all([...files].map(read));
  template.value = [template.value, ...texts].map((text) => text.trim()).filter(Boolean).join("\n");
  recount();
  template.focus();
}

const inputIds = () => [...document.querySelectorAll("#batch-inputs [name=image]")].map((each) => each.value);

// Restore the inputs of this form from before a reload, or those of the Create form; the
// server renders them by id.
function bringPictures() {
  const form = new URLSearchParams(tab.get("form") || "");
  const stored = tab.get(PICTURES);
  const ids = stored === NONE ? [] : stored ? stored.split(" ") : form.getAll("image");
  for (const id of ids) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "image", value: id });
    document.getElementById("batch-inputs")?.append(input);
  }
  return ids.length > 0;
}

if (template) {
  const written = template.value;
  const brought = !written && !inputIds().length && bringPictures();
  template.value ||= tab.get(DRAFT) || carried();
  if (template.value !== written || brought) {
    // Once htmx listens, which may be before this script or after.
    const counted = setInterval(() => {
      if (document.readyState === "complete") clearInterval(counted);
      recount();
    }, 100);
  }
  const list = document.getElementById("list");
  list.addEventListener("change", async () => {
    await take(list.files);
    list.value = ""; // the file is part of the text now
  });
  template.addEventListener("dragover", (event) => event.preventDefault());
  template.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  template.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) template.form.requestSubmit(template.form.querySelector(".primary"));
  });
  let chosen = false;
  template.form.addEventListener("change", (event) => { chosen ||= event.target.id === "files"; });
  // Another model has other settings and prices.
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
    document.addEventListener(name, (event) => {
      const target = event.detail.ctx?.target || event.detail.target;
      if (target?.id === "choices") recount();
      tab.set(PICTURES, inputIds().join(" ") || NONE);
      // The chosen files were uploaded, and their field was replaced.
      if (chosen && document.activeElement === document.body) document.getElementById("files").focus();
      chosen = false;
    });
  }
}
