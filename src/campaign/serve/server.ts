import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FileHistory } from '../past/history.js';
import { onceOnly, type Tell } from '../past/left-out.js';
import type { Past } from '../past/past.js';
import { type CampaignReport, reportOf } from '../report/model.js';
import { renderCampaignPage } from '../report/page.js';
import { Results } from '../report/read.js';
import type { CampaignFolder, SavedRun } from '../store/folder.js';
import { mayRead, targetOf } from './access.js';
import { renderMetrics } from './metrics.js';
import { askedImage, sendFile } from './objects.js';

/** A view of the queue through which the campaign runs. */
export interface QueueView {
  /** Where its pages are. */
  path: string;
  handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** For Prometheus. */
  metrics: () => Promise<string>;
  close: () => Promise<void>;
}

/** How a campaign is served. */
export interface ServeOptions {
  folder: CampaignFolder;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** What readers must bear; undefined on the loopback only. */
  token?: string | undefined;
  queue?: QueueView | undefined;
  /** Told of earlier runs that cannot be read. */
  tell?: Tell;
}

/** A server that runs. */
export interface Serving {
  port: number;
  close: () => Promise<void>;
}

const POLL_MS = 1_000;

/** What the last run of a campaign has come to by now; made anew when its journal has grown. */
class Live {
  readonly #results: Results;
  #past: { of: number; past: Past } | undefined;
  #made: { version: string; run: SavedRun; report: CampaignReport } | undefined;

  constructor(
    private readonly folder: CampaignFolder,
    private readonly tell: Tell,
  ) {
    this.#results = new Results(folder.objects);
  }

  /** Changes with every record. */
  version(): string {
    const number = this.folder.numbers().at(-1) ?? 0;
    const info = statSync(this.folder.journal(number), { throwIfNoEntry: false });
    return `${number}.${info?.size ?? 0}`;
  }

  now(): { run: SavedRun; report: CampaignReport } {
    const version = this.version();
    if (this.#made?.version !== version) {
      const run = this.folder.last();
      this.#made = {
        version,
        run,
        report: reportOf(run, this.#pastOf(run.number), this.#results, this.tell),
      };
    }
    return this.#made;
  }

  /** What was before a run does not change while it runs. */
  #pastOf(number: number): Past {
    if (this.#past?.of !== number) {
      const files = new FileHistory(this.folder, this.#results, this.tell);
      this.#past = { of: number, past: files.pastNow(number) };
    }
    return this.#past.past;
  }

  /** The file of an image of this campaign, if that is what is asked for. */
  imageOf(pathname: string): string | undefined {
    if (!pathname.startsWith('/objects/')) return undefined;
    const hash = askedImage(pathname, this.now().run.table);
    return hash !== undefined && this.folder.objects.has(hash) ? this.folder.objects.path(hash) : undefined;
  }

  page(): string {
    const { run, report } = this.now();
    return renderCampaignPage(report, run.table, this.#results, { live: true });
  }
}

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': `${type}; charset=utf-8` });
  response.end(text);
}

/** Tell a reader what went wrong, where nothing was told yet: an answer cannot begin twice. */
function fail(response: ServerResponse, { message }: Error): void {
  if (response.headersSent) response.destroy();
  else send(response, 500, 'text/plain', `${message}\n`);
}

/** Tell a reader when there is something new, until it goes away. */
function follow(response: ServerResponse, live: Live): void {
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
  let told = '';
  const tell = (): void => {
    const version = live.version();
    response.write(version === told ? ': still here\n\n' : `data: ${version}\n\n`);
    told = version;
  };
  tell();
  const timer = setInterval(tell, POLL_MS);
  response.once('close', () => clearInterval(timer));
}

/** What can be asked for. */
type Page = readonly [type: string, text: (live: Live, queue?: QueueView) => string | Promise<string>];
const PAGES: Readonly<Record<string, Page>> = {
  '/': ['text/html', (live) => live.page()],
  '/report.json': ['application/json', (live) => `${JSON.stringify(live.now().report)}\n`],
  '/metrics': [
    'text/plain; version=0.0.4',
    async (live, queue) => renderMetrics(live.now().report) + ((await queue?.metrics()) ?? ''),
  ],
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  live: Live,
  queue: QueueView | undefined,
  { pathname }: URL,
): Promise<void> {
  const image = live.imageOf(pathname);
  const [type, text] = (Object.hasOwn(PAGES, pathname) && PAGES[pathname]) || [];
  if (request.method !== 'GET') send(response, 405, 'text/plain', 'this can only be read\n');
  else if (pathname === '/events') follow(response, live);
  else if (image !== undefined) sendFile(request, response, image, HEADERS);
  else if (queue !== undefined && `${pathname}/`.startsWith(`${queue.path}/`))
    queue.handle(request, response);
  else if (type !== undefined && text !== undefined) send(response, 200, type, await text(live, queue));
  else send(response, 404, 'text/plain', 'there is nothing here\n');
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/**
 * Show the last run of a campaign while it runs: a page that follows it, and metrics. Nothing can be changed through it.
 * @throws Error if the port is taken
 */
export async function serve({
  folder,
  host,
  port,
  token,
  queue,
  tell = () => {},
}: ServeOptions): Promise<Serving> {
  const live = new Live(folder, onceOnly(tell));
  const server = createServer((request, response) => {
    const target = targetOf(request);
    if (target === undefined) send(response, 400, 'text/plain', 'that is no address\n');
    else if (mayRead(request, token))
      answer(request, response, live, queue, target).catch((error: Error) => fail(response, error));
    else send(response, 403, 'text/plain', 'a token is needed\n');
  });
  server.listen(port, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}
