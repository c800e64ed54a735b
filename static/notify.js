// Notifications and sounds when a generation ends while the page is hidden, as chosen in
// this browser.
"use strict";

(() => {
  const TONES = [[660, 0], [880, .16]]; // hertz, and seconds from the start
  const LONG = .3; // seconds of a tone
  let sound = null;
  let announced = "";

  const wants = (kind) => own.get(`tell-${kind}`) === "on";

  function play() {
    sound ||= new AudioContext();
    sound.resume();
    for (const [pitch, after] of TONES) {
      const tone = sound.createOscillator();
      const loud = sound.createGain();
      const start = sound.currentTime + after;
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(.12, start);
      loud.gain.exponentialRampToValueAtTime(.001, start + LONG);
      tone.connect(loud).connect(sound.destination);
      tone.start(start);
      tone.stop(start + LONG);
    }
  }

  // Phones support only notifications of a service worker.
  async function showNotification(text) {
    const how = { body: text, tag: "jimeng", icon: document.querySelector("link[rel=apple-touch-icon]").href };
    const worker = await navigator.serviceWorker?.getRegistration();
    const title = document.querySelector(".brand-name").textContent;
    if (worker?.active) return worker.showNotification(title, how);
    const notice = new Notification(title, how);
    notice.onclick = () => { window.focus(); notice.close(); };
    return notice;
  }

  function show() {
    for (const button of document.querySelectorAll("[data-notify]")) {
      const kind = button.dataset.notify;
      button.hidden = kind === "notice" && !("Notification" in window);
      button.ariaPressed = String(wants(kind) && (kind !== "notice" || Notification.permission === "granted"));
    }
  }

  async function choose(button) {
    const kind = button.dataset.notify;
    const on = button.ariaPressed !== "true";
    const permission = on && kind === "notice" ? await Notification.requestPermission() : "granted";
    for (const each of document.querySelectorAll("[data-notify-denied]")) each.hidden = permission === "granted";
    if (permission !== "granted") return;
    own.set(`tell-${kind}`, on ? "on" : "off");
    if (on && kind === "sound") play();
    show();
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-notify]");
    if (button) choose(button);
  });

  // #announce holds the message of each end, marked by data-ended.
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
    document.addEventListener(name, () => {
      const text = document.querySelector("#announce [data-ended]")?.textContent.trim();
      if (!text || text === announced) return;
      announced = text;
      if (!document.hidden) return;
      if (wants("sound")) play();
      if (wants("notice") && Notification.permission === "granted") showNotification(text);
    });
  }
  show();
})();
