// What the pages do beyond HTML and htmx. Every page works without it.

// A form is sent once: a second tap on its button does nothing until the answer is there.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "get") return;
  if (form.dataset.isSent) return event.preventDefault();
  form.dataset.isSent = "yes";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
});
const letSendAgain = () => {
  for (const form of document.querySelectorAll("form[data-is-sent]")) {
    delete form.dataset.isSent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
};
addEventListener("pageshow", letSendAgain);

// A button that copies the text it names: <button data-copy="#code">.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
  button.classList.add("is-done");
  setTimeout(() => button.classList.remove("is-done"), 2000);
});

// A box that shows what was typed into a password field: <input type="checkbox" data-show="#field-password">. It is hidden
// again before it is sent, so that no browser keeps it as an ordinary text.
for (const box of document.querySelectorAll("[data-show]")) {
  const field = document.querySelector(box.dataset.show);
  const show = () => { field.type = box.checked ? "text" : "password"; };
  box.closest("label").hidden = false;
  box.addEventListener("change", show);
  field.form.addEventListener("submit", () => { box.checked = false; show(); });
}

// A print button, which only makes sense with a script.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// A button that ticks every box of a name, or none: <button data-tick-all="player_ids">.
for (const button of document.querySelectorAll("[data-tick-all]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const boxes = [...document.getElementsByName(button.dataset.tickAll)];
    const isTicked = !boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = isTicked;
  });
}

// In a grid a button per column does the same: <table data-tick-columns="Everybody">.
for (const table of document.querySelectorAll("[data-tick-columns]")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const boxes = [...table.tBodies[0].rows].flatMap((row) => row.cells[column].querySelector("input[type=checkbox]") ?? []);
    if (boxes.length < 2) return;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button quiet", textContent: table.dataset.tickColumns });
    const title = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ` · ${head.querySelector("a").textContent}` });
    button.append(title);
    button.addEventListener("click", () => {
      const isTicked = !boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = isTicked;
      boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
    });
    head.append(button);
  });
}

// On a phone a row of tabs scrolls: the chosen one comes into sight.
for (const tab of document.querySelectorAll(".tabs [aria-current], .pills [aria-current]")) {
  const row = tab.closest(".tabs, .pills");
  row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}

// How many cells of a grid are ticked, those kept from other pages of it too: <output data-count-ticks>.
for (const output of document.querySelectorAll("[data-count-ticks]")) {
  const count = () => {
    const fields = [...output.closest("form").elements].filter((field) => field.name === "ticks");
    const ticked = fields.filter((field) => (field.type === "checkbox" ? field.checked : field.value)).length;
    output.value = ticked ? (ticked === 1 ? output.dataset.one : output.dataset.many.replace("{n}", ticked)) : "";
  };
  output.closest("form").addEventListener("change", count);
  addEventListener("pageshow", count);
}

// A question over the page: its <details> opens it, here as a dialog that keeps the focus and closes with Escape.
document.addEventListener("click", (event) => {
  const summary = event.target.closest(".dialog > summary");
  if (summary) {
    event.preventDefault();
    const [details, dialog] = [summary.parentElement, summary.nextElementSibling];
    details.open = true;
    dialog.showModal();
    dialog.addEventListener("close", () => { details.open = false; summary.focus(); }, { once: true });
  } else if (event.target.matches("dialog:modal") || event.target.closest("[data-close]")) {
    event.target.closest("dialog").close();
  }
});

// A service that does not answer says so: what its card says is old from then on.
const cardOf = (event) => event.target.closest?.("[data-health]")?.classList;
document.addEventListener("htmx:error", (event) => cardOf(event)?.add("is-silent"));
document.addEventListener("htmx:after:request", (event) => cardOf(event)?.toggle("is-silent", event.detail.ctx.response.status >= 500));

// Errors come first in the reader's hearing: the summary of a form that was refused takes the focus.
document.querySelector("form[method=post] [data-form-errors]")?.focus();

// Without network a line says so: what is recorded is kept (kept.js) where a service worker is there to do so, and a form that
// cannot be sent stays as it is.
const noNetwork = document.querySelector("[data-no-network]");
const lineSays = (name) => {
  noNetwork.hidden = !name;
  for (const sentence of noNetwork.children) sentence.hidden = sentence.dataset.says !== name;
};
const showNetwork = () => lineSays(navigator.onLine ? "" : navigator.serviceWorker?.controller ? "kept" : "wait");
addEventListener("online", showNetwork);
addEventListener("offline", showNetwork);
showNetwork();

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/service-worker.js").then(() => {}, () => {});
  navigator.serviceWorker.addEventListener("controllerchange", showNetwork);
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (!event.data.unsent || !document.querySelector("form[data-is-sent]")) return;
    letSendAgain();
    lineSays("unsent");
  });
}
