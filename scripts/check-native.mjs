// Keeps native/ in shape: file work only through StoreIo, Node only in addon/, includes only downwards.
// Prints one line per breach and exits with 1 when there is any.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folders by level: a folder may include itself and every folder of a lower level, and what `alsoIncludes` names. */
const levels = [['base'], ['io'], ['format'], ['filter'], ['log', 'queue', 'index'], ['flush'], ['store'], ['addon']]
const alsoIncludes = { queue: ['log'], index: ['log'] }
const levelOf = new Map(levels.flatMap((folders, level) => folders.map((folder) => [folder, level])))

const systemCalls = [
  'open openat open64 creat close dup dup2 read pread readv preadv write pwrite writev pwritev pread64 pwrite64',
  'lseek fsync fdatasync sync syncfs sync_file_range msync mmap munmap mremap madvise posix_madvise posix_fadvise mlock',
  'truncate ftruncate fallocate posix_fallocate copy_file_range sendfile rename renameat renameat2 remove unlink unlinkat',
  'link symlink mkdir mkdirat rmdir opendir readdir closedir stat fstat lstat fstatat statvfs fstatvfs chmod fchmod access',
  'fcntl flock lockf ioctl fopen freopen fdopen fread fwrite fclose tmpfile mkstemp mkdtemp syscall io_uring_enter',
]
  .join(' ')
  .split(' ')
const systemCall = new RegExp(`(?<![\\w.:>~])(?:std::|::)?(${systemCalls.join('|')})\\s*\\(`, 'g')
const fileHeaders = new Set(
  'fcntl.h unistd.h dirent.h sys/mman.h sys/stat.h sys/statvfs.h sys/file.h sys/uio.h linux/fs.h filesystem fstream'.split(
    ' ',
  ),
)
const nodeHeader = /^(node|node_api|js_native_api|napi|napi-inl|node_buffer|uv|v8)\.h$|^(node|v8|uv)[-/]/

/** Comments and the insides of string literals blanked out, line breaks kept; the paths of includes stay. */
const codeOnly = (source) =>
  source.replace(
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|^[ \t]*#[ \t]*include[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/gm,
    (part) => (/^[ \t]*#/.test(part) ? part.replace(/\/\/.*/, '') : part.replace(/[^\n]/g, ' ')),
  )

const breachesOfIncludes = (folder, line) => {
  const include = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/.exec(line)
  if (!include) return []
  const [, kind, path] = include
  if (fileHeaders.has(path) && folder !== 'io') return [`<${path}> belongs into io/ alone: use StoreIo`]
  if (nodeHeader.test(path) && folder !== 'addon') return [`${path} belongs into addon/ alone`]
  if (kind !== '"') return []
  const target = path.split('/')[0]
  if (!path.includes('/')) return [`"${path}": name the file from native/, as in "${folder}/${path}"`]
  if (target === folder || alsoIncludes[folder]?.includes(target)) return []
  if (!levelOf.has(target)) return [`"${path}" is in no folder that ${folder}/ may include`]
  if (levelOf.get(target) >= levelOf.get(folder)) return [`${folder}/ may not include ${target}/`]
  return []
}

const breachesOfCalls = (folder, line) => {
  if (folder === 'io' || /^\s*#/.test(line)) return []
  return [...line.matchAll(systemCall)].map(([, name]) => `direct call of ${name}(): use StoreIo`)
}

/** Every breach in one file. `path` is relative to native/, with forward slashes. */
export const checkSource = (path, source) => {
  const folder = path.split('/')[0]
  if (folder === 'test') return []
  if (!levelOf.has(folder)) return [`${path}: ${folder}/ has no place in the order of folders`]
  return codeOnly(source)
    .split('\n')
    .flatMap((line, index) =>
      [...breachesOfIncludes(folder, line), ...breachesOfCalls(folder, line)].map(
        (breach) => `${path}:${index + 1}: ${breach}`,
      ),
    )
}

const sourcesUnder = (root) =>
  readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(h|cc)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !relative(root, path).split(/[\\/]/)[0].startsWith('build'))
    .sort()

const main = () => {
  const native = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native')
  const sources = sourcesUnder(native)
  const breaches = sources.flatMap((path) =>
    checkSource(relative(native, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')),
  )
  for (const breach of breaches) console.error(`native/${breach}`)
  console.log(`native: ${sources.length} files checked, ${breaches.length} breaches`)
  if (breaches.length > 0) process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
