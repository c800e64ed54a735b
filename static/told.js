// Being told when something is done while nobody sees the page: by a notice of the system,
// by a sound, or both, as somebody has chosen here.
"use strict";

(() => {
  const TONES = [[660, 0], [880, .16]]; // hertz, and seconds from the start
  const LONG = .3; // seconds of a tone
  let sound = null;
  let told = "";

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

  // Phones know only those of a service worker.
  async function notify(words) {
    const how = { body: words, tag: "jimeng", icon: document.querySelector("link[rel=apple-touch-icon]").href };
    const worker = await navigator.serviceWorker?.getRegistration();
    const title = document.querySelector(".brand-name").textContent;
    if (worker?.active) return worker.showNotification(title, how);
    const notice = new Notification(title, how);
    notice.onclick = () => { window.focus(); notice.close(); };
    return notice;
  }

  function show() {
    for (const button of document.querySelectorAll("[data-tell]")) {
      const { tell } = button.dataset;
      button.hidden = tell === "notice" && !("Notification" in window);
      button.ariaPressed = String(wants(tell) && (tell !== "notice" || Notification.permission === "granted"));
    }
  }

  // Where something has just been asked for, and only then: it would move what is there.
  function offer(event) {
    const ask = document.getElementById("tell");
    const sent = (event.detail.ctx?.sourceElement || event.detail.elt)?.id === "composer";
    const status = event.detail.ctx?.response?.status || event.detail.xhr?.status;
    if (ask && sent && status === 200 && own.get("tell-asked") === null && document.querySelector("#ticker[hx-get]")) ask.hidden = false;
  }

  async function choose(button) {
    const { tell } = button.dataset;
    const on = button.ariaPressed !== "true";
    const leave = on && tell === "notice" ? await Notification.requestPermission() : "granted";
    for (const each of document.querySelectorAll("[data-tell-denied]")) each.hidden = leave === "granted";
    if (leave !== "granted") return;
    own.set(`tell-${tell}`, on ? "on" : "off");
    if (on && tell === "sound") play();
    show();
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-tell], [data-tell-close]");
    if (!button) return;
    if (button.dataset.tell) choose(button);
    else {
      own.set("tell-asked", "yes");
      document.getElementById("tell").hidden = true;
    }
  });

  // What has ended is said in #announce, once, and there marked as such.
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) {
    document.addEventListener(name, (event) => {
      offer(event);
      const words = document.querySelector("#announce [data-ended]")?.textContent.trim();
      if (!words || words === told) return;
      told = words;
      if (!document.hidden) return;
      if (wants("sound")) play();
      if (wants("notice") && Notification.permission === "granted") notify(words);
    });
  }
  show();
})();
