/**
 * Measures what a page downloads: each entry bundled, minified and gzipped. Fails above the limit.
 *
 * Invariant: it reports bytes after gzip at its highest level, as a static server would precompress them. The
 * bundles are measured only; what is served are the modules as they stand.
 */

import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRIES = [
  { what: 'core', contents: 'export * from "./mercer.js"', limit: 6_000 },
  { what: 'core with slots', contents: 'export * from "./mercer.js"; export * from "./slots.js"', limit: 12_000 },
  { what: 'core with search', contents: 'export * from "./mercer.js"; export * from "./search.js"', limit: 18_000 },
];

const resolveDir = fileURLToPath(new URL('..', import.meta.url));

for (const { what, contents, limit } of ENTRIES) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
  });
  const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  console.log(`${what}: ${bytes} bytes gzip (limit ${limit})`);
  if (bytes > limit) process.exitCode = 1;
}
