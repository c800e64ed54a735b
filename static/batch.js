// Many prompts at once: what is written stays in this tab, files are read into it, and
// what it makes is counted anew as soon as something changes.
"use strict";

const DRAFT = "draft /batches/new template"; // as app.js stores it
const PICTURES = "pictures of /batches/new";
const NONE = "-"; // all of them were removed
const template = document.getElementById("template");
if (document.getElementById("batch-sent")) {
  tab.set(DRAFT, "");
  tab.set(PICTURES, "");
  history.replaceState(history.state, "", location.pathname);
}

// What choices.js asks of the other form.
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

// As people's programs write it.
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

// Those that were in this form before it was loaded anew, or are in the other one: the
// server shows what is named here.
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
    // As soon as htmx listens, which may be before this script or after.
    const counted = setInterval(() => {
      if (document.readyState === "complete") clearInterval(counted);
      recount();
    }, 100);
  }
  const list = document.getElementById("list");
  list.addEventListener("change", async () => {
    await take(list.files);
    list.value = ""; // it stands in the text now
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
  // Another model brings other choices, and other prices.
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
    document.addEventListener(name, (event) => {
      const target = event.detail.ctx?.target || event.detail.target;
      if (target?.id === "choices") recount();
      tab.set(PICTURES, inputIds().join(" ") || NONE);
      // What was chosen has been taken in, and its field with it.
      if (chosen && document.activeElement === document.body) document.getElementById("files").focus();
      chosen = false;
    });
  }
}
