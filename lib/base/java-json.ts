export { JavaJsonError, type JavaJsonErrorCode, type JavaJsonLimits, parseJavaJson } from './java-json-parser.ts'
export type { JavaJson, JavaJsonObject } from './java-json-value.ts'
export { type StringifyJavaOptions, stringifyJava } from './java-json-writer.ts'
