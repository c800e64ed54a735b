// Synchronise the feed with other tabs and devices: new tasks, deletions, favourites. It
// polls the feed like the page itself: on a message of another tab, when the tab becomes
// visible, and every `OFTEN`.
"use strict";

(() => {
  const PAGES = 5; // maximum pages of the feed to fetch
  const OFTEN = 60000; // milliseconds between two refreshes while the tab is visible
  const BACK = 1000; // milliseconds that a tab has to be away for a refresh at its return
  const SOON = 700; // milliseconds to wait for further messages of other tabs
  const feed = () => document.getElementById("feed");
  const cards = (root) => [...root.querySelectorAll("article.card")];
  const isWhole = () => feed() && !new URLSearchParams(location.search).has("cursor");
  let timer = 0;
  let stepped = Date.now();
  let steps = false;

  // Fetch the current cards down to the last one shown, and the ticker.
  async function latest(most, shown) {
    const found = { cards: new Map(), ticker: null, isAll: false };
    let url = feed().dataset.home;
    for (let page = 0; page < most && url; page += 1) {
      const answer = await fetch(url, { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (!answer.ok) return null;
      const part = document.createElement("template");
      part.innerHTML = await answer.text();
      for (const card of cards(part.content)) found.cards.set(card.id, card);
      found.ticker ||= part.content.querySelector("#ticker[hx-get]");
      url = part.content.querySelector("a.more")?.getAttribute("href");
      if (shown.at(-1) && found.cards.has(shown.at(-1))) break;
    }
    found.isAll = !url;
    return found;
  }

  const isBusy = (card) => card.contains(document.activeElement) || card.querySelector("details[open]");
  const appearance = (slot) => `${slot.dataset.state} ${Boolean(slot.querySelector(".favourite [aria-pressed=true]"))}`;

  function replaceWith(now, old) {
    now.removeAttribute("hx-swap-oob");
    old.replaceWith(now);
    letGo(old.querySelectorAll("img[srcset]"));
    htmx.process(now);
  }

  // An ended card: a picture may have been deleted or favourited.
  function follow(card, now) {
    if (card.querySelector("[name=c]") || now.querySelector("[name=c]") || isBusy(card)) return;
    const slots = [...now.querySelectorAll(".slot")];
    const changed = slots.filter((each) => {
      const old = document.getElementById(each.id);
      return old && appearance(old) !== appearance(each);
    });
    if (changed.length) replaceWith(now, card);
  }

  // Insert new cards before the next older one.
  function insert(found) {
    let before = null;
    for (const [id, card] of [...found.cards].reverse()) {
      const old = document.getElementById(id);
      if (old?.matches(".card")) before = old;
      else if (old) replaceWith(card, old);
      else if (before || found.isAll) {
        if (before) before.before(card);
        else feed().querySelector(":scope > .sheet-end").before(card);
        htmx.process(card);
        before = card;
      }
      if (old && !old.matches(".card")) before = card;
    }
    if (found.cards.size) document.getElementById("examples")?.remove();
  }

  function remove(found, shown) {
    const last = found.isAll ? Infinity : shown.findLastIndex((id) => found.cards.has(id));
    for (const [index, id] of shown.entries()) {
      const card = document.getElementById(id);
      if (index >= last || found.cards.has(id) || !card?.matches(".card") || isBusy(card)) continue;
      card.remove();
      letGo(card.querySelectorAll("img[srcset]"));
    }
  }

  async function step(most) {
    if (steps || !isWhole()) return;
    steps = true;
    stepped = Date.now();
    const shown = cards(feed()).map((card) => card.id);
    const found = await latest(most, shown).catch(() => null);
    steps = false;
    if (!found) return;
    remove(found, shown);
    for (const id of shown) {
      const card = document.getElementById(id);
      if (card?.matches(".card") && found.cards.has(id)) follow(card, found.cards.get(id));
    }
    insert(found);
    localise(document);
    const ticker = document.getElementById("ticker");
    if (found.ticker && !ticker.hasAttribute("hx-get")) replaceWith(found.ticker, ticker);
  }

  function later(most) {
    clearTimeout(timer);
    timer = setTimeout(step, SOON, most);
  }

  heard.set("changed", () => later(PAGES));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - stepped > BACK) step(PAGES);
  });
  setInterval(() => { if (!document.hidden && Date.now() - stepped >= OFTEN) step(1); }, OFTEN / 4);
})();
