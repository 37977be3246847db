// Draws a table as bars: <div data-chart="id of the table"><canvas></canvas></div>. The table stays for those who read.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
for (const place of document.querySelectorAll("[data-chart]")) {
  const rows = [...document.getElementById(place.dataset.chart).tBodies[0].rows].slice(0, 25);
  new Chart(place.querySelector("canvas"), {
    type: "bar",
    data: {
      labels: rows.map((row) => row.cells[0].textContent.trim()),
      datasets: [{ data: rows.map((row) => Number(row.querySelector("[data-value]").dataset.value)), backgroundColor: colour("--leaf"), borderRadius: 8 }],
    },
    options: {
      indexAxis: "y",
      maintainAspectRatio: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 420 },
      plugins: { legend: { display: false } },
      scales: {
        x: { ticks: { color: colour("--ink-soft"), precision: 0 }, grid: { color: colour("--line") } },
        y: { ticks: { color: colour("--ink") }, grid: { display: false } },
      },
    },
  });
  place.classList.add(`rows-${Math.min(25, rows.length)}`);
}
