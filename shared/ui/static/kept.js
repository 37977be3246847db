// What was recorded without network (service-worker.js keeps it): sent once the line is back, as the account that recorded it and
// no other, and told to that account. Nothing is forgotten before it was told.

(() => {
  const place = document.querySelector("[data-kept]");
  if (!("serviceWorker" in navigator)) return; // without one nothing is ever kept

  const LATER = [401, 408, 429];
  const LATER_CODES = ["csrf_missing", "suspended"]; // another session began in between; an account that may be opened again
  const SEEN_MS = 3000; // what was sent is read, and gone with the next page
  const MOST_PAUSE_MS = 60000;
  const DATES = { en: "en-GB", fr: "fr" };
  const offline = document.querySelector("[data-offline]");
  const shownTo = document.body.dataset.account;
  let reader = null; // who is signed in, as we were told last: { account, csrf }, account "" for nobody; null without a line
  let wasOffline = Boolean(offline) && (!navigator.onLine || new URLSearchParams(location.search).has("kept"));

  const asPage = (text) => new DOMParser().parseFromString(text, "text/html");
  const wordsOf = (element) => element?.textContent.replace(/\s+/g, " ").trim() ?? "";
  const isWaiting = (entry) => (entry.state ?? "waiting") === "waiting";

  // Who reads: as they are now, or as this page was shown to them, or without network whoever was here last.
  if (shownTo) localStorage.setItem("account", shownTo);
  const me = () => reader?.account ?? shownTo ?? localStorage.getItem("account") ?? "";
  const isMine = (entry) => {
    if (entry.account) return entry.account === me();
    return Boolean(reader?.csrf) && new URLSearchParams(entry.body).get("csrf_token") === reader.csrf; // a form of an older version
  };

  async function ask() {
    try {
      const answer = await fetch("/identity/fragments/who", { cache: "no-store" });
      const found = answer.ok && asPage(await answer.text()).querySelector("[data-account]");
      return found ? { ...found.dataset } : null;
    } catch {
      return null;
    }
  }

  // Sending.

  async function send(entry) {
    const body = new URLSearchParams(entry.body);
    body.set("csrf_token", reader.csrf);
    try {
      const answer = await fetch(entry.path, { method: "POST", body, headers: { "X-Kept": "yes" } });
      if (answer.headers.get("Content-Type")?.startsWith("application/problem+json")) return refused(answer.status, await answer.json());
      return answer.ok ? told(new URL(answer.url).pathname, asPage(await answer.text())) : null;
    } catch {
      return null; // the line has gone again
    }
  }

  function refused(status, problem) {
    if (status >= 500 || LATER.includes(status) || LATER_CODES.includes(problem.code)) return null;
    return { state: "refused", told: problem.title, parts: (problem.errors ?? []).map((error) => error.message) };
  }

  // The page that would have been shown: of one act, or of what a leader ticked, with what was refused in rows of their own.
  function told(path, page) {
    if (/\/done\/[0-9a-f-]{36}$/.test(path)) {
      return { state: "sent", told: wordsOf(page.querySelector("main .big-points") ?? page.querySelector("main h1")), parts: [] };
    }
    const recorded = page.querySelectorAll("main .rows.recorded > li").length;
    const parts = [...page.querySelectorAll("main .rows:not(.recorded) > li")]
      .map((row) => [...row.querySelectorAll("div > *")].map(wordsOf).filter(Boolean).join(" · "));
    const isForm = /\/record(-for)?(\/|$)/.test(path);
    const state = parts.length ? (recorded ? "partly" : "refused") : isForm && !recorded ? "unclear" : "sent";
    return { state, told: state === "refused" ? "" : wordsOf(page.querySelector("main .notice")), parts };
  }

  const news = new BroadcastChannel("kept");

  async function sendMine() {
    for (const entry of await keptStore.all()) {
      if (!isWaiting(entry) || !isMine(entry)) continue;
      const outcome = await send(entry);
      if (outcome) await keptStore.settle(entry, { ...outcome, account: reader.account, body: "" });
    }
    news.postMessage("sent");
  }

  // One tab at a time: nothing is sent by two at once.
  const alone = (work) => (navigator.locks ? navigator.locks.request("kept", work) : work());

  // Telling.

  function line(name, entry) {
    const item = place.querySelector(`template[data-line="${name}"]`).content.firstElementChild.cloneNode(true);
    const fill = (part, text) => { if (item.querySelector(part)) item.querySelector(part).textContent = text; };
    if (!entry) return item;
    fill("[data-act]", entry.act || place.dataset.act);
    fill("[data-told]", entry.told ?? "");
    for (const part of entry.parts ?? []) {
      item.querySelector("[data-parts]")?.append(Object.assign(document.createElement("li"), { textContent: part, dir: "auto" }));
    }
    for (const empty of item.querySelectorAll("[data-told]:empty, [data-parts]:empty")) empty.remove();
    const league = entry.path.match(/^\/leagues\/[0-9a-f-]+/);
    if (item.querySelector("a[data-league]") && league) item.querySelector("a[data-league]").href = league[0];
    item.querySelector("[data-dismiss]")?.addEventListener("click", async () => {
      await keptStore.remove(entry.id);
      await show();
      (place.querySelector("[data-dismiss]") ?? document.querySelector("#main")).focus();
    });
    return item;
  }

  async function show() {
    const entries = await keptStore.all();
    const lines = entries.filter(isMine).map((entry) => line(entry.state ?? "waiting", entry));
    const isKnown = reader || shownTo;
    if (isKnown && entries.some((entry) => isWaiting(entry) && !isMine(entry))) lines.push(line(me() ? "others" : "nobody"));
    const list = place.querySelector("ul");
    const fresh = document.createElement("ul");
    fresh.append(...lines);
    if (fresh.innerHTML !== list.innerHTML) list.replaceChildren(...lines); // what is said already is not said again
    place.hidden = !lines.length;
    if (offline) followOffline(entries);
    else setTimeout(markSeen, SEEN_MS, entries.filter((entry) => entry.state === "sent" && isMine(entry)));
  }

  async function markSeen(entries) {
    if (document.visibilityState !== "visible") return;
    for (const entry of entries) await keptStore.settle(entry, { isSeen: true });
  }

  // The page for no network says how it is now, and goes on by itself once everything of the reader's was dealt with.
  function followOffline(entries) {
    const isBack = Boolean(reader);
    for (const part of offline.querySelectorAll("[data-line-is]")) part.hidden = part.dataset.lineIs !== (isBack ? "back" : "gone");
    const waits = entries.some((entry) => isWaiting(entry) && isMine(entry));
    offline.querySelector("[data-kept-lead]").hidden = isBack || !waits;
    wasOffline ||= !isBack;
    if (!isBack || !wasOffline) return;
    if (location.pathname !== "/offline") location.reload();
    else if (reader.account && !waits) location.replace("/leagues/");
  }

  // When.

  let pause = 1000; // a line that comes back may go again: what is left is tried again, less and less often
  let again = 0;
  let working = null;
  let isWanted = false;

  async function work() {
    clearTimeout(again);
    const entries = await keptStore.all();
    const waits = () => entries.some((entry) => isWaiting(entry) && isMine(entry));
    if (offline || (entries.length && (!shownTo || waits()))) {
      reader = await ask();
      if (reader) localStorage.setItem("account", reader.account);
      if (reader?.account && waits()) await alone(sendMine);
    }
    const left = (await keptStore.all()).some((entry) => isWaiting(entry) && isMine(entry));
    await show();
    if (left || (offline && !reader)) again = setTimeout(start, (pause = Math.min(2 * pause, MOST_PAUSE_MS)));
  }

  function start() {
    if (working) return void (isWanted = true);
    working = work().catch(() => {}).finally(() => {
      working = null;
      if (isWanted) { isWanted = false; start(); }
    });
  }

  const startSoon = () => { pause = 1000; start(); };
  addEventListener("online", startSoon);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && startSoon());
  news.addEventListener("message", () => show().catch(() => {}));
  keptStore.all()
    .then((entries) => Promise.all(entries.filter((entry) => entry.isSeen).map((entry) => keptStore.remove(entry.id))))
    .then(start, () => {}); // a browser that keeps nothing has nothing to tell

  if (!offline) navigator.serviceWorker.ready.then(({ active }) => active.postMessage({ language: document.documentElement.lang }));

  // What an act is called, for the day it is told: with the form, as the service worker sees no more of the page than that.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.elements.completion_id) return;
    let field = form.elements.kept_as;
    if (field && !field.dataset.made) return; // the form was kept once already
    if (!field) {
      field = Object.assign(document.createElement("input"), { type: "hidden", name: "kept_as" });
      field.dataset.made = "yes";
      form.append(field);
    }
    const chosen = [...form.querySelectorAll("[name=tier]:checked, [name=player_ids]:checked")].map((one) => wordsOf(one.labels[0]));
    const day = form.elements.day?.value && new Date(`${form.elements.day.value}T12:00`);
    field.value = [
      wordsOf(document.querySelector("main h1")),
      ...chosen.slice(0, 3), chosen.length > 3 ? "…" : "",
      form.querySelector("[data-count-ticks]")?.value,
      day && day.toLocaleDateString(DATES[document.documentElement.lang], { dateStyle: "long" }),
    ].filter(Boolean).join(" · ");
  });
})();
