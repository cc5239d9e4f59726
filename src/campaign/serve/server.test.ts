import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { campaignFolder, IMAGE, planOfKernels } from '../../../test/support/campaign.js';
import { type Serving, serve } from './server.js';

let serving: Serving | undefined;
afterEach(() => serving?.close());

async function served(token: string | undefined): Promise<number> {
  const folder = campaignFolder();
  folder.add(planOfKernels([IMAGE('a', '1')]));
  serving = await serve({ folder, host: '127.0.0.1', port: 0, token });
  return serving.port;
}

/** The first line of the answer to a request for a target that no client would send. */
async function asked(port: number, target: string, method = 'GET'): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, 'latin1');
  const [data] = await once(socket, 'data');
  socket.destroy();
  return data.toString().split('\r\n')[0].slice('HTTP/1.1 '.length);
}

const BAD = '400 Bad Request';
const ODD: [string, withToken: string, without: string][] = [
  ['//', BAD, BAD],
  ['//x', BAD, BAD],
  ['//x/metrics?token=hunter2', BAD, BAD],
  ['/\\', BAD, BAD],
  ['\\\\', BAD, BAD],
  ['*', BAD, BAD],
  ['metrics', BAD, BAD],
  ['http://', BAD, BAD],
  ['http://[', BAD, BAD],
  ['http://localhost/metrics?token=hunter2', '200 OK', '200 OK'],
  ['/%', '403 Forbidden', '404 Not Found'],
  ['/%00%ff', '403 Forbidden', '404 Not Found'],
  ['/objects/%', '403 Forbidden', '404 Not Found'],
  ['/objects/../..//', '403 Forbidden', '404 Not Found'],
  ['/?token=%', '403 Forbidden', '200 OK'],
  [`/${'x'.repeat(8192)}`, '403 Forbidden', '404 Not Found'],
  [`/?token=hunter2&${'%ff'.repeat(2700)}`, '200 OK', '200 OK'],
];

describe.each([
  ['with a token', 'hunter2', 1],
  ['without one', undefined, 2],
] as const)('a server %s', (_, token, column) => {
  it('answers what is asked for oddly, and goes on', async () => {
    const port = await served(token);

    for (const row of ODD) expect([row[0], await asked(port, row[0])]).toEqual([row[0], row[column]]);

    expect(await asked(port, '*', 'OPTIONS')).toBe(BAD);
    expect(await asked(port, '/?token=hunter2')).toBe('200 OK');
  });
});
