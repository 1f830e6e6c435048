// The package's install script. In an installed package it builds the addon; where that is not possible it says what
// is missing and lets the installation go on, since the client needs no addon. In a checkout it does nothing:
// `npm start`, `npm test` and `npm run build` build there, and `npx apogeemq` installs a link to the checkout.
import { ensureAddon, isCheckout, missingTools } from './setup.mjs'

if (!isCheckout()) {
  const missing = missingTools()
  if (missing.length === 0) ensureAddon()
  else {
    const lacks = missing.join('; ')
    console.error(`apogeemq: the storage engine was not built: it needs ${lacks}. Then: npm rebuild apogeemq`)
  }
}
