import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorText, SluiceError } from '../errors.js';
import type { Listener } from './hub.js';
import type { Hello, InspectMessage } from './messages.js';
import { isSameToken, randomToken } from './token.js';

/** Pages that may be open at once. */
const VIEWERS_MAX = 16;
/** Bytes that may wait for a page that reads too slowly; it is closed, and connects again. */
const BACKLOG_BYTES_MAX = 32 * 1024 * 1024;
/** Messages of a recording that are sent at once. */
const RECORDED_BATCH = 1000;

const PAGE = new URL('./page/', import.meta.url);
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** The page loads nothing from elsewhere, and is shown in no other one. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
    "connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** What a page server shows, and what its visitors may do: what happens now, or a recording. */
export type PageContent = LiveContent | { recording: readonly InspectMessage[] };

interface LiveContent {
  /** Adds a viewer; returns what takes it away. */
  listen(listener: Listener): () => void;
  /** Called with the words of a `POST control/…`; absent: nothing may be controlled. */
  control?: ((command: readonly string[]) => Promise<void>) | undefined;
}

/** Where the page is, until it is closed. */
export interface PageServer {
  /** With a random token in it: who doesn't know it sees nothing. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page on 127.0.0.1. Errors: `SLUICE_IO` when the port can't be had.
 */
export async function servePage(content: PageContent, port: number): Promise<PageServer> {
  const token = randomToken();
  const server = createServer();
  const viewers = new Set<ServerResponse>();
  await listening(server, port);
  const { port: actual } = server.address() as AddressInfo;
  const host = `127.0.0.1:${actual}`;
  server.on('request', (request, response) => {
    const visit = { request, response, token, host, viewers, content };
    answer(visit).catch((error) => refuse(response, 500, errorText(error)));
  });
  return {
    url: `http://${host}/${token}/`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const viewer of viewers) viewer.end();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  token: string;
  host: string;
  viewers: Set<ServerResponse>;
  content: PageContent;
}

async function answer(visit: Visit): Promise<void> {
  const { request, response, token, host } = visit;
  const { method, headers, url = '' } = request;
  // Another name for this address is a page from elsewhere that had its own name changed to it.
  const isHere = [host, host.replace('127.0.0.1', 'localhost')].includes(headers.host ?? '');
  const [, given = '', ...path] = url.replace(/[?#].*$/s, '').split('/');
  if (!isHere || !isSameToken(token, given)) refuse(response, 404, 'not found');
  else if (method === 'GET' && path[0] === 'feed') stream(visit);
  else if (method === 'POST' && path[0] === 'control') await control(visit, path.slice(1));
  else if (method === 'GET' && path.length === 0) redirect(response, `/${token}/`);
  else if (method === 'GET') await file(response, path);
  else refuse(response, 405, 'not allowed');
}

/** Messages as server-sent events: one for each batch. */
function stream({ response, request, viewers, content }: Visit): void {
  if (viewers.size >= VIEWERS_MAX) {
    refuse(response, 503, 'too many pages are open');
    return;
  }
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
  viewers.add(response);
  request.on('close', () => viewers.delete(response));
  const recorded = 'recording' in content;
  const hello: Hello = { mayControl: controlOf(content) !== undefined, recorded };
  response.write(`event: hello\ndata: ${JSON.stringify(hello)}\n\n`);
  if (recorded) {
    sendRecording(response, content.recording);
    return;
  }
  const leave = content.listen((batch) => {
    response.write(eventOf(batch));
    if (response.writableLength > BACKLOG_BYTES_MAX) response.destroy();
  });
  request.on('close', leave);
}

/** The whole of it, as fast as the page reads; then the page stays connected. */
function sendRecording(response: ServerResponse, messages: readonly InspectMessage[]): void {
  const events = function* () {
    for (let at = 0; at < messages.length; at += RECORDED_BATCH) {
      yield eventOf(messages.slice(at, at + RECORDED_BATCH));
    }
  };
  pipeline(Readable.from(events()), response, { end: false }).catch(() => {
    // The page has gone before it had read all of it.
  });
}

const eventOf = (batch: readonly InspectMessage[]) => `data: ${JSON.stringify(batch)}\n\n`;

const controlOf = (content: PageContent) => ('control' in content ? content.control : undefined);

async function control({ request, response, content, host }: Visit, words: string[]) {
  const { origin } = request.headers;
  const isOwn = origin === undefined || origin === `http://${request.headers.host ?? host}`;
  const act = controlOf(content);
  if (act === undefined || !isOwn) {
    refuse(response, 403, 'not allowed');
    return;
  }
  try {
    await act(words);
    response.writeHead(204, HEADERS).end();
  } catch (error) {
    const code = error instanceof SluiceError ? ` (${error.code})` : '';
    refuse(response, 409, `${errorText(error)}${code}`);
  }
}

async function file(response: ServerResponse, path: readonly string[]): Promise<void> {
  const name = path.join('/') || 'index.html';
  const type = TYPES[extname(name)];
  const isName = /^(assets\/)?[\w-]+(\.[\w-]+)+$/.test(name);
  const content = isName && type ? await readFile(new URL(name, PAGE)).catch(() => null) : null;
  if (content === null) refuse(response, 404, 'not found');
  else response.writeHead(200, { ...HEADERS, 'content-type': type }).end(content);
}

/** The page finds its parts beside itself, so its address must end with a slash. */
function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { ...HEADERS, location }).end();
}

function refuse(response: ServerResponse, status: number, text: string): void {
  if (!response.headersSent)
    response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain' });
  response.end(text);
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `the page can't be served on port ${port}: ${cause.message}`;
      reject(new SluiceError('SLUICE_IO', message, { cause, kind: 'declined' }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}
