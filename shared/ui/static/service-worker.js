// Keeps the frame for when there is no network, and what is recorded then: the pages send it once the line is back (kept.js).
// The completion's id was made with the form, so that sending it twice counts once.

importScripts("/static/VERSION/kept-store.js");

const CACHE = "frame-VERSION";
const FRAME = ["/offline"].concat(
  ["site.css", "app.js", "kept-store.js", "kept.js", "icons.svg",
   "planet.svg", "vendor/htmx.js", "vendor/text.woff2", "vendor/display.woff2"].map((name) => `/static/VERSION/${name}`),
);
const RECORDS = /^\/leagues\/[0-9a-f-]{36}\/(record|record\/[0-9a-f-]{36}|record-for\/[0-9a-f-]{36})$/;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FRAME)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(request.method === "POST" ? form(request, pathname) : page(request));
  else if (request.method === "GET" && pathname.startsWith("/static/")) event.respondWith(kept(request));
});

async function kept(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return caches.match("/offline");
  }
}

// A form is sent; without network it is kept if it records something, and else its page stays as it is, with what was typed.
async function form(request, pathname) {
  const body = RECORDS.test(pathname) && new URLSearchParams(await request.clone().text());
  try {
    return await fetch(request);
  } catch {
    if (body && !body.has("show") && !body.has("draft") && (await keep(pathname, body))) {
      return Response.redirect("/offline?kept=1", 303);
    }
    for (const client of await self.clients.matchAll()) client.postMessage({ unsent: pathname });
    return new Response(null, { status: 204 });
  }
}

function keep(path, body) {
  const [id, account, act] = ["completion_id", "account_id", "kept_as"].map((name) => body.get(name) ?? "");
  if (!id) return false;
  const entry = { id, path, body: body.toString(), account, act, at: Date.now(), state: "waiting" };
  return keptStore.put(entry).then(() => true, () => false);
}

// The page for no network is kept in the language of the page that was read last.
self.addEventListener("message", (event) => {
  if (event.data.language) event.waitUntil(speak(event.data.language));
});

async function speak(language) {
  const cache = await caches.open(CACHE);
  const known = await (await cache.match("/offline"))?.text();
  if (!known?.includes(`<html lang="${language}"`)) await cache.add("/offline");
}
