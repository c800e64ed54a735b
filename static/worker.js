// The service worker: if the server is unreachable, navigation shows the offline page. Only
// that page is cached, which has no user's data.
"use strict";

const CACHE = "jimeng-offline";
const PAGE = new URL("offline", self.registration.scope);

async function keep() {
  const cached = await caches.open(CACHE);
  await cached.put(PAGE, await fetch(PAGE, { credentials: "omit", cache: "no-store" }));
}

async function answer({ request, preloadResponse }) {
  try {
    return (await preloadResponse) || (await fetch(request));
  } catch (error) {
    const cached = await caches.match(PAGE);
    if (!cached) throw error;
    return cached;
  }
}

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));

// Navigation preload: request the page while the worker starts.
self.addEventListener("activate", (event) => event.waitUntil(
  Promise.all([self.registration.navigationPreload?.enable(), self.clients.claim()])));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode !== "navigate" || request.method !== "GET") return;
  event.respondWith(answer(event));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.matchAll({ type: "window", includeUncontrolled: true }).then(
    ([first]) => (first ? first.focus() : self.clients.openWindow(self.registration.scope))));
});
