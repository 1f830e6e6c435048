/** Language codes of the remoting header by the names that JSON headers carry. */
export const LanguageCode = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  /** Known to 5.x peers only: a 4.9 peer reads it as no language at all. */
  NODE_JS: 13,
} as const

/** Name of a language as a JSON header writes it. */
export type LanguageName = keyof typeof LanguageCode

const codes = new Map<string, number>(Object.entries(LanguageCode))
const names = Object.keys(LanguageCode) as LanguageName[]

/** Code of a language name; undefined for a name this software does not know. */
export const languageCodeOf = (name: string): number | undefined => codes.get(name)

/** Name of a language code; undefined for a code this software does not know. */
export const languageNameOf = (code: number): LanguageName | undefined => names[code]
