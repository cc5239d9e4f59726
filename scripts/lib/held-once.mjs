/** vitest's arguments that leave out what no release of Node.js or Debian could make differ: it is long, and held on one. */
export const HELD_ONCE = [
  'src/check/tamper.test.ts', // Pure code over recordings.
  'src/campaign/past/history.test.ts', // SQLite is built for one release.
  'test/live/campaign-index.test.ts', // PostgreSQL is asked.
  'test/live/campaign.test.ts', // Processes that are killed.
  'test/live/campaign-queue.test.ts', // The same, with Redis and PostgreSQL.
  'test/live/campaign-faults.test.ts', // The same, with servers and disks that fail.
  'test/live/campaign-fleet.test.ts', // The same, with Bull Board, TLS and a worker's proof.
  'test/live/campaign-serve.test.ts', // A browser reads a page that is served.
  'test/live/html-report.test.ts', // A browser reads the file that was written.
  'scripts/package/examples.test.mjs', // Files for others' CI.
  'scripts/package/package.test.mjs', // What is in the tarball.
  'scripts/container/container.test.mjs', // The image of a container, with a Node.js of its own.
  'test/live/shell.test.ts', // Shells read scripts that were printed.
].flatMap((file) => ['--exclude', file]);
