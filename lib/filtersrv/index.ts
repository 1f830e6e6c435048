export { type FilterServer, type FilterServerOptions, startFilterServer } from './filter-server.ts'
