import { createRequire } from 'node:module';
import { errorText, SluiceError } from '../errors.js';
import { sleep, systemClock } from '../services/clock.js';
import type { UpdateHandlerInspector } from '../types.js';
import { projectedInspection } from './stately-projection.js';

/** Where the server of `@statelyai/inspect` listens unless it is told otherwise. */
export const STATELY_URL = 'ws://localhost:8080';
/** Bytes that may wait for the server; what comes on top is dropped. */
const BACKLOG_BYTES_MAX = 8 * 1024 * 1024;
/** How long the server may take to accept, or to take leave. Milliseconds. */
const HANDSHAKE_LIMIT_MS = 5000;

/** A connection to Stately Inspector. */
export interface StatelyConnection {
  /** Give this to `createActor`, or to a store, as the option `inspect`. */
  readonly inspect: UpdateHandlerInspector;
  /** Sends what was told so far, and closes the connection. */
  close(): Promise<void>;
}

/**
 * Connects to Stately Inspector by its WebSocket protocol. It gets small copies of snapshots and
 * events, without bulk data. Needs the package `@statelyai/inspect`, which does not come with
 * Sluice, and its server. When the server goes away, nothing more is sent.
 * Errors: `SLUICE_INSPECTOR_UNAVAILABLE` without the package or the server, `SLUICE_BAD_OPTION`.
 */
export async function connectStately(url: string = STATELY_URL): Promise<StatelyConnection> {
  const { createInspector } = await loadPackage();
  const socket = await openSocket(url);
  // An adapter of our own: the package's tries to connect for ever, also after it was stopped.
  const inspector = createInspector({
    send: (message) => {
      const isOpen = socket.readyState === socket.OPEN;
      if (isOpen && socket.bufferedAmount < BACKLOG_BYTES_MAX) socket.send(JSON.stringify(message));
    },
  });
  return {
    inspect: projectedInspection(inspector),
    close: async () => {
      // The package passes messages on in the next turn of the event loop, in their order.
      await sleep(systemClock, 0);
      await closeSocket(socket);
    },
  };
}

async function loadPackage() {
  try {
    return await import('@statelyai/inspect');
  } catch (cause) {
    const message = 'Stately Inspector needs a package: npm install @statelyai/inspect';
    throw new SluiceError('SLUICE_INSPECTOR_UNAVAILABLE', message, { cause });
  }
}

/** Node.js 20 has no WebSocket of its own; the package brings one. */
function socketClass(): typeof WebSocket {
  const { WebSocket: own } = globalThis as { WebSocket?: typeof WebSocket };
  if (own !== undefined) return own;
  return createRequire(import.meta.resolve('@statelyai/inspect'))('ws') as typeof WebSocket;
}

async function openSocket(url: string): Promise<WebSocket> {
  const Socket = socketClass();
  let socket: WebSocket;
  try {
    socket = new Socket(url);
  } catch (cause) {
    const message = `${url} is no address of a WebSocket: ${errorText(cause)}`;
    throw new SluiceError('SLUICE_BAD_OPTION', message, { cause });
  }
  const isOpen = await settled(socket, 'open');
  if (isOpen) return socket;
  socket.close();
  const message =
    `no server of Stately Inspector answers at ${url}; to start one: ` +
    `node -e "import('@statelyai/inspect/server').then((s) => s.createInspectorServer())"`;
  throw new SluiceError('SLUICE_INSPECTOR_UNAVAILABLE', message);
}

async function closeSocket(socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return;
  const closed = settled(socket, 'close');
  socket.close();
  await closed;
}

/** Whether this happens to a socket, before an error does or the limit is over. */
function settled(socket: WebSocket, event: 'open' | 'close'): Promise<boolean> {
  return new Promise((resolve) => {
    const overdue = new AbortController();
    const end = (isGood: boolean) => {
      overdue.abort();
      resolve(isGood);
    };
    socket.addEventListener(event, () => end(true));
    socket.addEventListener('error', () => end(false));
    sleep(systemClock, HANDSHAKE_LIMIT_MS, overdue.signal).then(() => end(false));
  });
}
