import type { JavaJson, JavaJsonObject } from './java-json-value.ts'

/** Stands in a parsed tree where the text has `{"$ref":"path"}`, until it is resolved. */
export class Reference {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }
}

type Container = JavaJson[] | JavaJsonObject

interface Place {
  readonly container: Container
  readonly key: string
  readonly reference: Reference
  /** Containers from the root to `container`, both included. */
  readonly ancestors: readonly Container[]
}

const isContainer = (value: unknown): value is Container =>
  typeof value === 'object' && value !== null && !(value instanceof Reference)

const entries = (container: Container): [string, JavaJson][] => Object.entries(container)

const setAt = (container: Container, key: string, value: JavaJson): void => {
  ;(container as JavaJsonObject)[key] = value
}

const findPlaces = (container: Container, ancestors: readonly Container[], places: Place[]): void => {
  const path = [...ancestors, container]
  for (const [key, value] of entries(container)) {
    if ((value as unknown) instanceof Reference) {
      places.push({ container, key, reference: value as unknown as Reference, ancestors: path })
    } else if (isContainer(value)) {
      findPlaces(value, path, places)
    }
  }
}

/** Steps of `$.a.b[0]`; a backslash takes the next character as it is. */
const stepsOf = (path: string): string[] => {
  const steps: string[] = []
  let step = ''
  let isOpen = false
  for (let i = 1; i < path.length; i++) {
    const character = path[i]!
    if (character === '\\') {
      i += 1
      step += path[i] ?? ''
    } else if (character === '.' || character === '[') {
      if (isOpen) steps.push(step)
      step = ''
      isOpen = true
    } else if (character === ']') {
      steps.push(step)
      step = ''
      isOpen = false
    } else {
      step += character
    }
  }
  if (isOpen) steps.push(step)
  return steps
}

const follow = (root: JavaJson, place: Place): JavaJson | Reference | undefined => {
  const { path } = place.reference
  if (path === '@') return place.container
  if (path === '..') return place.ancestors.at(-2)
  if (!path.startsWith('$')) return undefined
  let at: unknown = root
  for (const step of stepsOf(path)) {
    if (!isContainer(at) || !Object.hasOwn(at, step)) return undefined
    at = (at as JavaJsonObject)[step]
  }
  return at as JavaJson | Reference
}

/**
 * Rounds of resolving. fastjson points at values and never at references, which takes one; more lets references point
 * at references, within a bound on the work.
 */
const MAX_ROUNDS = 8

/** Walks the tree as its readers will, references followed; tells when it is larger or deeper than allowed. */
const measure = (root: JavaJson, maxDepth: number, maxValues: number): 'too large' | 'too deep' | undefined => {
  let left = maxValues
  const walk = (value: JavaJson, depth: number): 'too large' | 'too deep' | undefined => {
    if (depth > maxDepth) return 'too deep'
    if (left-- <= 0) return 'too large'
    if (!isContainer(value)) return undefined
    for (const child of Object.values(value)) {
      const failure = walk(child, depth + 1)
      if (failure !== undefined) return failure
    }
    return undefined
  }
  return walk(root, 0)
}

/**
 * Puts the values that references point at in their place, in the tree itself. A cycle shows as too deep.
 * @returns undefined, or why the references cannot be resolved
 */
export const resolveReferences = (root: JavaJson, maxDepth: number, maxValues: number): string | undefined => {
  if (!isContainer(root)) return 'the whole text is a reference'
  let places: Place[] = []
  findPlaces(root, [], places)
  // A reference may point at another one: rounds go on as long as each resolves something.
  for (let round = 1; places.length > 0; round++) {
    if (round > MAX_ROUNDS) return 'too deep'
    const open: Place[] = []
    for (const place of places) {
      const target = follow(root, place)
      if (target === undefined || target instanceof Reference) open.push(place)
      else setAt(place.container, place.key, target)
    }
    if (open.length === places.length) return `nothing is at reference ${open[0]!.reference.path.slice(0, 64)}`
    places = open
  }
  return measure(root, maxDepth, maxValues)
}
