import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, cpus, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bodyLabel, systemLabel } from './cells.ts'
import type { LeftOut, Row, Summary } from './rows.ts'
import { sections, tableCells, tableColumns } from './table.ts'

/** One chart: a bar for each system in each group. Null: no value. */
interface Chart {
  readonly title: string
  readonly unit: string
  readonly groups: readonly string[]
  readonly series: readonly { readonly label: string; readonly values: readonly (number | null)[] }[]
}

const GIGABYTE = 2 ** 30

const measures = [
  { title: 'Appends per second', unit: 'appends/s', of: (row: Row) => row.opsPerSecond },
  { title: 'Latency, p50', unit: 'us', of: (row: Row) => row.p50Us },
  { title: 'Latency, p99.9', unit: 'us', of: (row: Row) => row.p999Us },
  { title: 'Device bytes per append', unit: 'bytes', of: (row: Row) => row.deviceBytesPerOp },
  { title: 'CPU per append', unit: 'us', of: (row: Row) => row.cpuUsPerOp },
] as const

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Script text that cannot end its element early. */
const inScript = (text: string): string => text.replaceAll('</', '<\\/')

const groupLabel = ({ row }: Summary, manyBodies: boolean): string => {
  const senders = `${row.senders} sender${row.senders === 1 ? '' : 's'}`
  return manyBodies ? `${bodyLabel(row.bodyBytes)}, ${senders}` : senders
}

/** The charts of one section. */
const chartsOf = (some: readonly Summary[]): Chart[] => {
  const manyBodies = new Set(some.map(({ row }) => row.bodyBytes)).size > 1
  const groups = [...new Set(some.map((one) => groupLabel(one, manyBodies)))]
  const labels = [...new Set(some.map(({ row }) => systemLabel(row)))]
  const find = (label: string, group: string): Row | undefined =>
    some.find((one) => systemLabel(one.row) === label && groupLabel(one, manyBodies) === group)?.row
  return measures.map(({ title, unit, of }) => ({
    title,
    unit,
    groups,
    series: labels.map((label) => ({
      label,
      values: groups.map((group) => {
        const row = find(label, group)
        const value = row === undefined ? null : of(row)
        // The scale is logarithmic: there is no place for 0.
        return value === null || !(value > 0) ? null : value
      }),
    })),
  }))
}

const chartLibrary = (): string => {
  const require = createRequire(import.meta.url)
  return readFileSync(join(dirname(require.resolve('chart.js')), 'chart.umd.min.js'), 'utf8')
}

const pageFile = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`./page/${name}`, import.meta.url)), 'utf8')

const htmlTable = (some: readonly Summary[]): string => {
  const head = tableColumns.map((column) => `<th scope="col">${column}</th>`).join('')
  const line = (cells: readonly string[]) =>
    `<tr>${cells.map((cell, at) => (at === 0 ? `<th scope="row">${escapeHtml(cell)}</th>` : `<td>${escapeHtml(cell)}</td>`)).join('')}</tr>`
  const body = some.map((one) => line(tableCells(one))).join('\n')
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`
}

const section = (title: string, some: readonly Summary[], first: number, charts: number): string => {
  const canvases = Array.from(
    { length: charts },
    (_, at) => `<figure><canvas id="chart-${first + at}"></canvas></figure>`,
  )
  return `<section><h2>${escapeHtml(title)}</h2>\n<div class="charts">${canvases.join('')}</div>\n${htmlTable(some)}</section>`
}

const machine = (): string => {
  const [cpu] = cpus()
  const memory = (totalmem() / GIGABYTE).toFixed(0)
  return `${cpus().length} x ${cpu?.model ?? arch()}, ${memory} GiB, ${process.platform} ${release()}, Node ${process.version}`
}

/** A page with charts and tables that needs no other file and no network. `madeAt`: milliseconds since the epoch. */
export const htmlReport = (rows: readonly Row[], leftOut: readonly LeftOut[], madeAt: number): string => {
  const charts: Chart[] = []
  const parts: string[] = []
  for (const [title, some] of sections(rows)) {
    const own = chartsOf(some)
    parts.push(section(title, some, charts.length, own.length))
    charts.push(...own)
  }
  const missing = leftOut
    .map(({ what, reason }) => `<li><b>${escapeHtml(what)}</b>: ${escapeHtml(reason)}</li>`)
    .join('')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Flush modes compared</title>
<link rel="icon" href="data:,">
<style>${pageFile('report.css')}</style>
</head>
<body>
<h1>Flush modes compared</h1>
<p>${escapeHtml(`${machine()}. ${new Date(madeAt).toISOString()}. ${rows.length} measurements, systems in turn, medians of the rounds. Charts have logarithmic scales; click a name to hide its bars. Device bytes are of the whole machine.`)}</p>
${parts.join('\n')}
${missing === '' ? '' : `<section><h2>Not measured</h2><ul>${missing}</ul></section>`}
<script>${inScript(chartLibrary())}</script>
<script>const charts = ${JSON.stringify(charts).replaceAll('<', '\\u003c')}
${inScript(pageFile('charts.js'))}</script>
</body>
</html>
`
}
