// Puts another service's piece of a page where it belongs: <div data-fragment="/ranking/counters">.
for (const place of document.querySelectorAll("[data-fragment]")) {
  fetch(place.dataset.fragment, { headers: { "Accept-Language": document.documentElement.lang } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((html) => { place.innerHTML = html; })
    .catch(() => {}); // the piece that was there without it stays: a link
}
