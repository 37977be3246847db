// Draws a table as bars: <div data-chart="id of the table"><canvas></canvas></div>. The table stays for those who read.
// A column is drawn when its head has data-series="--colour"; the numbers are the cells' data-value. Several are stacked.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function draw(place) {
  const table = document.getElementById(place.dataset.chart);
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const series = heads.filter((head) => head.dataset.series);
  const most = place.clientWidth < 500 ? 14 : 28;
  place.style.setProperty("--rows", Math.min(30, rows.length));
  return new Chart(place.querySelector("canvas"), {
    type: "bar",
    data: {
      labels: rows.map((row) => shortened(row.cells[0].textContent.trim(), most)),
      datasets: series.map((head) => ({
        label: head.textContent.trim(),
        data: rows.map((row) => Number(row.cells[heads.indexOf(head)].dataset.value)),
        backgroundColor: colour(head.dataset.series),
        borderRadius: 6,
        maxBarThickness: 28,
      })),
    },
    options: {
      indexAxis: "y",
      maintainAspectRatio: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 420 },
      plugins: {
        legend: {
          display: series.length > 1,
          align: "start",
          labels: { color: colour("--ink"), boxWidth: 14, boxHeight: 14, useBorderRadius: true, borderRadius: 4 },
        },
        tooltip: {
          backgroundColor: colour("--ink"), titleColor: colour("--paper"), bodyColor: colour("--paper"),
          padding: 10, cornerRadius: 10,
        },
      },
      scales: {
        x: { stacked: true, ticks: { color: colour("--ink"), precision: 0 }, grid: { color: colour("--line") }, border: { display: false } },
        y: { stacked: true, ticks: { color: colour("--ink"), autoSkip: false }, grid: { display: false }, border: { display: false } },
      },
    },
  });
}

let charts = [];
function drawAll() {
  charts.forEach((chart) => chart.destroy());
  Chart.defaults.locale = document.documentElement.lang;
  Chart.defaults.font.family = colour("--text");
  Chart.defaults.font.size = 14;
  charts = [...document.querySelectorAll("[data-chart]")].map(draw);
}

// A canvas does not wait for a font as a page does, and does not follow the colours of the night by itself.
document.fonts.load("1em Text").catch(() => {}).then(() => document.fonts.ready).then(drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
