// Keeps the frame for when there is no network, and what is recorded then: the pages send it once the line is back (kept.js).
// The completion's id was made with the form, so that sending it twice counts once.

importScripts("/static/VERSION/kept-store.js");

const CACHE = "frame-VERSION";
const FRAME = ["/offline"].concat(
  ["site.css", "app.js", "kept-store.js", "kept.js", "icons.svg",
   "planet.svg", "vendor/htmx.js", "vendor/text.woff2", "vendor/display.woff2"].map((name) => `/static/VERSION/${name}`),
);
// The pages that the last forms were answered with, by address: who comes back to one sees it again, and nothing is sent. They are
// forgotten with whoever was signed in, and never written down.
const answers = new Map();
const MOST_ANSWERS = 5;
const ENTRIES = /^\/(sign-in|sign-out|sign-out-everywhere)$/;
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
  if (request.mode === "navigate") event.respondWith(request.method === "GET" ? page(request) : isBack(request) ? again(request) : form(request, pathname));
  else if (request.method === "GET" && pathname.startsWith("/static/")) event.respondWith(kept(request));
});

async function kept(request) {
  return (await caches.match(request)) ?? fetch(request);
}

// Where a way back through the history was led on to a page, the browser still asks its own cache alone, which a worker may not do.
async function page(request) {
  try {
    return await (request.cache === "only-if-cached" ? fetch(request.url, { redirect: "manual" }) : fetch(request));
  } catch {
    return caches.match("/offline");
  }
}

// A form is sent; without network it is kept if it records something, and else its page stays as it is, with what was typed.
async function form(request, pathname) {
  if (ENTRIES.test(pathname)) answers.clear();
  const body = RECORDS.test(pathname) && new URLSearchParams(await request.clone().text());
  try {
    const answer = await fetch(request);
    if (!ENTRIES.test(pathname)) remember(request.url, answer);
    return answer;
  } catch {
    if (body && !body.has("show") && !body.has("draft") && (await keep(pathname, body))) {
      return Response.redirect("/offline?kept=1", 303);
    }
    for (const client of await self.clients.matchAll()) client.postMessage({ unsent: pathname });
    return new Response(null, { status: 204 });
  }
}

function remember(url, answer) {
  if (!answer.headers.get("Content-Type")?.startsWith("text/html")) return; // a redirect shows no type: it is no page
  answers.delete(url);
  answers.set(url, answer.clone());
  if (answers.size > MOST_ANSWERS) answers.delete(answers.keys().next().value);
}

// Whether a browser goes through its history: it asks its own cache alone, and the form must not be sent another time.
function isBack(request) {
  return request.isHistoryNavigation ?? ["only-if-cached", "force-cache"].includes(request.cache);
}

// The page that a form was answered with; where it is forgotten, the page of the form, or the start.
async function again(request) {
  const known = answers.get(request.url);
  if (known) return known.clone();
  try {
    const there = await fetch(request.url, { method: "HEAD" });
    return Response.redirect(there.ok ? request.url : "/leagues/", 303);
  } catch {
    return caches.match("/offline");
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
