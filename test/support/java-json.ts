/** Parses what fastjson wrote: object keys that are numbers stand there without quotes. */
export const parseJavaJson = (text: string | Buffer): unknown =>
  JSON.parse(text.toString('utf8').replaceAll(/([{,]\s*)(-?\d+)(\s*:)/g, '$1"$2"$3'))
