/** A JSON value as `parseJavaJson` gives it; objects have no prototype. */
export type JavaJson = null | boolean | number | string | JavaJson[] | JavaJsonObject

/** A JSON object without a prototype, so that no key, `__proto__` included, means anything but itself. */
export interface JavaJsonObject {
  [key: string]: JavaJson
}
