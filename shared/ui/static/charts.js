// Draws a table as bars: <div data-chart="id of the table"><canvas></canvas></div>. The table stays for those who read.
// A column is drawn when its head has data-series="--colour"; the numbers are the cells' data-value. Several are stacked.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shortened = (text) => (text.length > 28 ? `${text.slice(0, 27)}…` : text);
const charts = [];

// The page's own colours, by day and by night.
function dress(chart) {
  const { scales, plugins } = chart.options;
  for (const set of chart.data.datasets) set.backgroundColor = colour(set.colour);
  scales.x.ticks.color = scales.y.ticks.color = plugins.legend.labels.color = colour("--ink");
  scales.x.grid.color = colour("--line");
  Object.assign(plugins.tooltip, { backgroundColor: colour("--ink"), titleColor: colour("--paper"), bodyColor: colour("--paper") });
  return chart;
}

function draw(place) {
  const table = document.getElementById(place.dataset.chart);
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const series = heads.filter((head) => head.dataset.series);
  place.classList.add(`rows-${Math.min(30, rows.length)}`);
  return new Chart(place.querySelector("canvas"), {
    type: "bar",
    data: {
      labels: rows.map((row) => shortened(row.cells[0].textContent.trim())),
      datasets: series.map((head) => ({
        label: head.textContent.trim(),
        colour: head.dataset.series,
        data: rows.map((row) => Number(row.cells[heads.indexOf(head)].dataset.value)),
        borderRadius: 6,
        maxBarThickness: 28,
      })),
    },
    options: {
      indexAxis: "y",
      maintainAspectRatio: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 420 },
      plugins: {
        legend: { display: series.length > 1, align: "start", labels: { boxWidth: 14, boxHeight: 14, useBorderRadius: true, borderRadius: 4 } },
        tooltip: { padding: 10, cornerRadius: 10 },
      },
      scales: {
        x: { stacked: true, ticks: { precision: 0 }, grid: {} },
        y: { stacked: true, ticks: { autoSkip: false }, grid: { display: false } },
      },
    },
  });
}

// A canvas does not wait for a font as a page does.
document.fonts.load("1em Text").then(() => document.fonts.ready).catch(() => {}).then(() => {
  Chart.defaults.font.family = colour("--text");
  Chart.defaults.font.size = 14;
  for (const place of document.querySelectorAll("[data-chart]")) charts.push(dress(draw(place)));
  charts.forEach((chart) => chart.update("none"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => dress(chart).update("none")));
