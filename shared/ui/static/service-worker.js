// Keeps the frame for when there is no network, and a challenge that is recorded then: it is sent once the line is back.
// The completion's id was made with the form, so that sending it twice counts once.

const CACHE = "frame-VERSION";
const FRAME = ["/offline"].concat(
  ["tokens.css", "base.css", "components.css", "pictures.css", "frame.css", "app.js", "icons.svg", "planet.svg", "vendor/htmx.js",
   "vendor/text.woff2", "vendor/display.woff2"].map((name) => `/static/VERSION/${name}`),
);
const RECORDS = /^\/leagues\/[0-9a-f-]{36}\/record\/[0-9a-f-]{36}$/;

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
  if (request.method === "POST" && RECORDS.test(pathname)) event.respondWith(record(request, pathname));
  else if (request.method === "GET" && pathname.startsWith("/static/")) event.respondWith(kept(request));
  else if (request.mode === "navigate" && request.method === "GET") event.respondWith(page(request));
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

async function record(request, pathname) {
  const body = await request.clone().text();
  try {
    return await fetch(request);
  } catch {
    await put({ path: pathname, body, id: new URLSearchParams(body).get("completion_id") ?? crypto.randomUUID() });
    return Response.redirect("/offline?kept=1", 303);
  }
}

// What waits, by the completion's id.

function store(mode) {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open("kept", 1);
    open.onupgradeneeded = () => open.result.createObjectStore("records", { keyPath: "id" });
    open.onerror = () => reject(open.error);
    open.onsuccess = () => resolve(open.result.transaction("records", mode).objectStore("records"));
  });
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

const put = async (entry) => done((await store("readwrite")).put(entry));

async function sendAll() {
  let sent = 0;
  for (const entry of await done((await store("readonly")).getAll())) {
    const answer = await fetch(entry.path, {
      method: "POST",
      body: entry.body,
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      redirect: "follow",
    }).catch(() => null);
    if (!answer) break; // the line has gone again
    if (answer.status >= 500 || answer.status === 401 || answer.status === 429) break; // later, or after signing in
    await done((await store("readwrite")).delete(entry.id)); // taken, or refused for good: the player reads why
    sent += answer.ok ? 1 : 0;
  }
  return { sent, left: await done((await store("readonly")).count()) };
}

let sending = Promise.resolve();
self.addEventListener("message", (event) => {
  if (event.data !== "send") return;
  sending = sending.catch(() => {}).then(sendAll); // one after the other: nothing is sent by two at once
  event.waitUntil(sending.then((told) => event.source.postMessage(told), () => {}));
});
