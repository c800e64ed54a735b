// The API page: sends requests, and opens the operation of the URL's fragment.
"use strict";

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target?.matches("details")) return;
  target.open = true;
  target.scrollIntoView();
}

// The URL, headers and body of a request from its form.
function requestOf(form) {
  const url = new URL(location.origin);
  const headers = new Headers({ Accept: "application/json" });
  const key = document.getElementById("api-key")?.value.trim();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let path = form.dataset.try;
  let body;
  for (const field of form.querySelectorAll("[data-in]")) {
    const { name, value, dataset: { in: location } } = field;
    if (location === "file") (body = new FormData()).append(name, field.files[0]);
    else if (!value.trim()) continue;
    else if (location === "path") path = path.replace(`{${name}}`, encodeURIComponent(value.trim()));
    else if (location === "query") url.searchParams.set(name, value.trim());
    else if (location === "header") headers.set(name, value.trim());
    else {
      headers.set("Content-Type", "application/json");
      body = value;
    }
  }
  url.pathname = path;
  return [url, { method: form.dataset.method.toUpperCase(), headers, body, credentials: "omit", cache: "no-store" }];
}

// Show the response: its status, and its body if that is text.
async function tell(answer, out) {
  const line = document.createElement("p");
  line.textContent = `${answer.status} ${answer.statusText}`;
  const kind = answer.headers.get("Content-Type") || "";
  const text = /json|text/.test(kind) ? await answer.text() : kind;
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.ariaLabel = line.textContent;
  try { pre.textContent = JSON.stringify(JSON.parse(text), null, 2); } catch { pre.textContent = text; }
  out.replaceChildren(line, pre);
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-try]");
  if (!form) return;
  event.preventDefault();
  const out = form.querySelector("output");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await tell(await fetch(...requestOf(form)), out);
  } catch {
    out.textContent = form.dataset.unreachable;
  }
  button.disabled = false;
});

for (const command of document.querySelectorAll(".api-code")) {
  const [text, button] = command.children;
  text.textContent = button.dataset.copy = text.textContent.replace("$JIMENG", location.origin);
}
addEventListener("hashchange", openTarget);
openTarget();
