// Many prompts at once: what is written stays in this tab, files are read into it, and
// what it makes is counted anew as soon as something changes.
"use strict";

const DRAFT = "draft /batches/new template"; // as app.js stores it
const PICTURES = "pictures of /batches/new";
const NONE = "-"; // all of them were removed
const words = document.getElementById("template");
if (document.getElementById("batch-sent")) {
  tab.set(DRAFT, "");
  tab.set(PICTURES, "");
  history.replaceState(history.state, "", location.pathname);
}

// What choices.js asks of the other form.
var prompt = () => words;
var count = () => {};
var hold = () => {};
var touched = () => recount();

function recount() {
  words?.dispatchEvent(new Event("input", { bubbles: true }));
}

// The prompt that stands in the other form, as the one line that means it; words to
// choose from are meant so.
function carried() {
  const kept = new URLSearchParams(tab.get("form") || "").get("prompt") || "";
  const line = kept.trim().split(/\s+/).join(" ");
  return /[{｛][^{}｛｝]*[|｜][^{}｛｝]*[}｝]/.test(line) ? line : line.replace(/[{}|\\｛｝｜]/g, "\\$&");
}

// As people's programs write it.
async function read(file) {
  const bytes = await file.arrayBuffer();
  try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { return new TextDecoder("gb18030").decode(bytes); }
}

async function take(files) {
  const texts = await Promise.all([...files].map(read));
  words.value = [words.value, ...texts].map((text) => text.trim()).filter(Boolean).join("\n");
  recount();
  words.focus();
}

const given = () => [...document.querySelectorAll("#batch-given [name=image]")].map((each) => each.value);

// Those that were in this form before it was loaded anew, or are in the other one: the
// server shows what is named here.
function bringPictures() {
  const form = new URLSearchParams(tab.get("form") || "");
  const kept = tab.get(PICTURES);
  const ids = kept === NONE ? [] : kept ? kept.split(" ") : form.getAll("image");
  for (const id of ids) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "image", value: id });
    document.getElementById("batch-given")?.append(input);
  }
  return ids.length > 0;
}

if (words) {
  const written = words.value;
  const brought = !written && !given().length && bringPictures();
  words.value ||= tab.get(DRAFT) || carried();
  if (words.value !== written || brought) {
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
  words.addEventListener("dragover", (event) => event.preventDefault());
  words.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) words.form.requestSubmit(words.form.querySelector(".primary"));
  });
  let chosen = false;
  words.form.addEventListener("change", (event) => { chosen ||= event.target.id === "files"; });
  // Another model brings other choices, and other prices.
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
    document.addEventListener(name, (event) => {
      const target = event.detail.ctx?.target || event.detail.target;
      if (target?.id === "choices") recount();
      tab.set(PICTURES, given().join(" ") || NONE);
      // What was chosen has been taken in, and its field with it.
      if (chosen && document.activeElement === document.body) document.getElementById("files").focus();
      chosen = false;
    });
  }
}
