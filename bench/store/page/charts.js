// Runs in the report's page, behind Chart.js. `charts` is written in front of it, see bench/store/report.ts.
/* global Chart, charts */
const colours = {
  'apogee-engine mapped': '#1d4ed8',
  'apogee-engine staged': '#0891b2',
  'apogee-engine staged-warm': '#134e4a',
  'apogee-engine pool': '#7dd3fc',
  'apogee-engine direct': '#0f766e',
  'apogee-node mapped': '#6d28d9',
  'apogee-node staged': '#a78bfa',
  'apogee-node pool': '#ddd6fe',
  'apogee-node direct': '#c026d3',
  'java-like': '#dc2626',
  lmdb: '#d97706',
  'classic-level': '#eab308',
  'better-sqlite3': '#65a30d',
  fs: '#6b7280',
  device: '#d1d5db',
}
const dark = matchMedia('(prefers-color-scheme: dark)').matches
Chart.defaults.color = dark ? '#ccc' : '#333'
Chart.defaults.borderColor = dark ? '#333' : '#e5e5e5'
charts.forEach(({ title, unit, groups, series }, at) => {
  new Chart(document.getElementById(`chart-${at}`), {
    type: 'bar',
    data: {
      labels: groups,
      datasets: series.map(({ label, values }) => ({
        label,
        data: values,
        backgroundColor: colours[label] ?? '#000',
        minBarLength: 2,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      plugins: { title: { display: true, text: title }, legend: { labels: { boxWidth: 12 } } },
      scales: { y: { type: 'logarithmic', title: { display: true, text: unit } } },
    },
  })
})
