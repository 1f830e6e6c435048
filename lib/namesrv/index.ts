export { type NameServer, type NameServerSurroundings, startNameServer } from './name-server.ts'
export {
  effectiveNamesrvConfig,
  type InvalidValue,
  NamesrvConfig,
  type ParsedNamesrvConfig,
  parseNamesrvConfig,
} from './namesrv-config.ts'
