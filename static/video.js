// Videos: silent in a list, under the pointer or when pressed; on the stage with sound and
// keys. With reduced motion or data, nothing plays by itself.
"use strict";

(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const thrifty = matchMedia("(prefers-reduced-data: reduce)");
  const isCalm = () => calm.matches || thrifty.matches || navigator.connection?.saveData;
  const PAUSE = 200; // milliseconds of hovering after which it plays
  const STEP = 5; // seconds
  let playing = null; // {mark, player}
  let waiting = 0;

  // Closes the connection at once.
  function stop() {
    clearTimeout(waiting);
    if (!playing) return;
    const { player } = playing;
    playing = null;
    player.remove();
    player.removeAttribute("src");
    player.load();
  }

  function play(mark) {
    stop();
    const player = document.createElement("video");
    Object.assign(player, { className: "video-now", src: mark.href, muted: true, loop: true, playsInline: true, disableRemotePlayback: true });
    player.setAttribute("aria-hidden", "true");
    mark.before(player);
    playing = { mark, player };
    player.play().catch(() => { if (playing?.player === player) stop(); });
  }

  const markOf = (target) => target.closest?.("figure")?.querySelector("[data-play]");

  document.addEventListener("pointerover", ({ target, pointerType }) => {
    const mark = markOf(target);
    if (pointerType !== "mouse" || mark && mark === playing?.mark) return;
    stop();
    if (mark && mark.dataset.play !== "large" && !isCalm()) waiting = setTimeout(play, PAUSE, mark);
  });

  document.addEventListener("click", (event) => {
    const mark = event.target.closest?.("[data-play]");
    if (!mark || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (playing?.mark === mark) stop();
    else play(mark);
  });

  // One that the user opens plays at once; that of a loaded page does not.
  document.addEventListener("stage:shown", ({ detail }) => {
    stop();
    const player = detail.querySelector("video");
    if (!player) return;
    player.muted = own.get("muted") === "yes";
    loop(player, own.get("loop") === "yes");
    if (!isCalm() && navigator.userActivation?.isActive) player.play().catch(() => {});
  });

  // Sound and loop are as for the previous video.
  function loop(player, is) {
    player.loop = is;
    document.querySelector("[data-loop]")?.setAttribute("aria-pressed", is);
  }

  document.addEventListener("volumechange", ({ target }) => {
    if (target === stageVideo()) own.set("muted", target.muted ? "yes" : "no");
  }, true);

  document.addEventListener("click", (event) => {
    const player = event.target.closest?.("[data-loop]") && stageVideo();
    if (!player) return;
    loop(player, !player.loop);
    own.set("loop", player.loop ? "yes" : "no");
  });

  document.addEventListener("submit", ({ target }) => {
    const player = target.dataset.frame !== undefined && stageVideo();
    if (player) target.elements.at.value = Math.round(player.currentTime * 1000);
  });

  const KEYS = {
    " ": (player) => { if (player.paused) player.play().catch(() => {}); else player.pause(); },
    ArrowLeft: (player) => { player.currentTime = Math.max(player.currentTime - STEP, 0); },
    ArrowRight: (player) => { player.currentTime = Math.min(player.currentTime + STEP, player.duration || 0); },
    m: (player) => { player.muted = !player.muted; },
  };

  // In the capture phase, before the stage, where arrow keys open the neighbours.
  document.addEventListener("keydown", (event) => {
    const player = stageVideo();
    const key = keyOf(event);
    if (!player || !Object.hasOwn(KEYS, key) || event.defaultPrevented) return;
    if (event.target.closest?.("button, summary, a, textarea, select, input, pre, .menu")) return;
    if (document.querySelector("dialog[open]:not(#stage)") || key === "m" && own.get("keys") === "off") return;
    event.preventDefault();
    KEYS[key](player);
  }, true);

  const stageVideo = () => document.querySelector("video.stage-picture");
})();
