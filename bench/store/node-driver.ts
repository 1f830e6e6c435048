// Measures one system in a Node process of its own: takes a NodeRun as JSON in its only argument, prints a
// RawMeasurement.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { BodySource } from './body-source.ts'
import { anonymousBytes, cpuUs, writtenBytes } from './counters.ts'
import { type NodeSystem, openPeer } from './peers/index.ts'
import type { Peer } from './peers/peer.ts'
import type { FlushMode, RawMeasurement } from './rows.ts'

/** One run of this program. */
export interface NodeRun {
  readonly system: NodeSystem
  readonly writePath: string
  readonly flush: FlushMode
  readonly load: 'closed' | 'sustained' | 'retained'
  readonly senders: number
  readonly bodyBytes: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly segmentBytes: number
  readonly stagingBytes: number
  readonly maxBytes: number
  readonly directory: string
  /** '' when nobody counts the device's bytes. */
  readonly deviceStat: string
}

const SUSTAINED_GROUP = 32
/** Under `retained`. As in the C++ driver. */
const SEGMENTS_KEPT = 4
const SEGMENTS_FILLED_FIRST = SEGMENTS_KEPT + 2
const NS_PER_MS = 1_000_000
const NS_PER_US = 1000
const MS_PER_SECOND = 1000
const LONGEST_NS = 3_600_000_000_000

/** Appends until a time or an amount of bytes is reached; counts what was acknowledged. */
class Load {
  operations = 0
  readonly #peer: Peer
  readonly #source: BodySource
  readonly #run: NodeRun
  #keptFrom = 0

  constructor(peer: Peer, source: BodySource, run: NodeRun) {
    this.#peer = peer
    this.#source = source
    this.#run = run
  }

  async during(seconds: number, maxBytes: number, latencies: RecordableHistogram): Promise<void> {
    const untilMs = performance.now() + seconds * MS_PER_SECOND
    const maxOperations = maxBytes / this.#run.bodyBytes
    if (this.#run.load !== 'closed') {
      this.#sustain(untilMs, this.#run.load === 'retained' ? Number.POSITIVE_INFINITY : maxOperations, latencies)
      return
    }
    const senders = Array.from({ length: this.#run.senders }, () => this.#send(untilMs, maxOperations, latencies))
    await Promise.all(senders)
  }

  async #send(untilMs: number, maxOperations: number, latencies: RecordableHistogram): Promise<void> {
    for (let begin = performance.now(); begin < untilMs && this.operations < maxOperations; ) {
      await this.#peer.append(this.#source.next())
      const end = performance.now()
      latencies.record(Math.max(1, Math.round((end - begin) * NS_PER_MS)))
      this.operations++
      begin = end
    }
  }

  #sustain(untilMs: number, maxOperations: number, latencies: RecordableHistogram): void {
    const starts = new Array<number>(SUSTAINED_GROUP).fill(0)
    for (let begin = performance.now(); begin < untilMs && this.operations < maxOperations; ) {
      for (let index = 0; index < SUSTAINED_GROUP; index++) starts[index] = this.#source.next()
      this.#peer.appendAll!(starts)
      const end = performance.now()
      latencies.record(Math.max(1, Math.round((end - begin) * NS_PER_MS)))
      this.operations += SUSTAINED_GROUP
      begin = end
      if (this.#run.load === 'retained') this.#deleteOld()
    }
  }

  /** Appends until the log has the size that it keeps. */
  fill(): void {
    const ignored = newHistogram()
    while (this.#peer.endOffset!() < SEGMENTS_FILLED_FIRST * this.#run.segmentBytes) {
      this.#sustain(Number.POSITIVE_INFINITY, this.operations + SUSTAINED_GROUP, ignored)
    }
  }

  #deleteOld(): void {
    const keptFrom = Math.floor(this.#peer.endOffset!() / this.#run.segmentBytes) - SEGMENTS_KEPT
    if (keptFrom <= this.#keptFrom) return
    this.#keptFrom = keptFrom
    this.#peer.deleteBelow!(keptFrom * this.#run.segmentBytes)
  }
}

const newHistogram = (): RecordableHistogram => createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 3 })

const measure = async (run: NodeRun): Promise<RawMeasurement> => {
  const source = new BodySource(run.bodyBytes)
  const peer = await openPeer(run.system, { ...run, source })
  const load = new Load(peer, source, run)
  if (run.load === 'retained') load.fill()
  await load.during(run.warmUpSeconds, run.maxBytes / 4, newHistogram())

  const latencies = newHistogram()
  const operationsBefore = load.operations
  const deviceBefore = writtenBytes(run.deviceStat)
  const cpuBefore = cpuUs()
  const begin = performance.now()
  await load.during(run.seconds, run.maxBytes, latencies)
  const seconds = (performance.now() - begin) / MS_PER_SECOND
  const used = {
    cpuUs: cpuUs() - cpuBefore,
    residentBytes: process.memoryUsage.rss(),
    anonymousBytes: anonymousBytes(),
  }
  await peer.settle()
  const deviceBytes = deviceBefore < 0 ? -1 : writtenBytes(run.deviceStat) - deviceBefore
  await peer.close()
  const us = (percent: number): number => latencies.percentile(percent) / NS_PER_US
  return {
    operations: load.operations - operationsBefore,
    seconds,
    p50Us: us(50),
    p99Us: us(99),
    p999Us: us(99.9),
    maxUs: latencies.max / NS_PER_US,
    deviceBytes,
    ...used,
  }
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as NodeRun)))
