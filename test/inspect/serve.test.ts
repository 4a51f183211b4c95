// The page's server: who gets in, what is streamed, what may be done.
import { type RequestOptions, request } from 'node:http';
import { type ServeInspectorOptions, serveInspector } from 'sluice/inspect';
import { describe, expect, onTestFinished, test } from 'vitest';
import { assign, createActor, createMachine } from 'xstate';
import type { Hello, InspectMessage, StoreMessage } from '#sluice/inspect/messages.js';
import { points, until } from '../support/points.js';
import { newStore } from '../support/stores.js';

const counter = createMachine({
  id: 'counter',
  context: { count: 0 },
  initial: 'on',
  states: {
    on: { on: { Next: { actions: assign({ count: ({ context }) => context.count + 1 }) } } },
  },
});

/** What a page is streamed, until the test has finished. */
async function view(
  url: string,
): Promise<{ hello: () => Hello | undefined; messages: InspectMessage[] }> {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const response = await fetch(`${url}feed`, { signal: leave.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const messages: InspectMessage[] = [];
  let hello: Hello | undefined;
  const read = async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const data = JSON.parse(part.replace(/^(event: hello\n)?data: /, ''));
        if (part.startsWith('event: hello')) hello = data;
        else messages.push(...data);
      }
    }
  };
  read().catch(() => {
    // Ended by the test.
  });
  return { hello: () => hello, messages };
}

async function openServed(options: ServeInspectorOptions = {}) {
  const collection = await newStore().open({ dimensions: 2 });
  const inspector = await serveInspector(collection, options);
  onTestFinished(async () => {
    await inspector.close();
    await collection.close();
  });
  return { collection, url: inspector.url };
}

const post = (url: string, path: string, headers = {}) =>
  fetch(`${url}control/${path}`, { method: 'POST', headers });

describe('who gets in', () => {
  test('only who knows the token, by this address', async () => {
    const { url } = await openServed();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/$/);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<div id="app">');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const { origin, pathname } = new URL(url);
    const wrong = `${pathname.slice(0, -2)}${pathname.at(-2) === 'A' ? 'B' : 'A'}/`;
    for (const path of ['/', '/feed', wrong, `${wrong}feed`, `${pathname}../../package.json`]) {
      expect((await fetch(`${origin}${path}`)).status).toBe(404);
    }
    expect((await fetch(`${url}assets/..%2f..%2findex.js`)).status).toBe(404);
    // The page finds its parts beside itself: an address that lost its slash is mended.
    expect((await fetch(url.slice(0, -1))).url).toBe(url);
  });

  test('no page that had its own name changed to this address, nor what is no address', async () => {
    const { url } = await openServed();
    const ask = (options: RequestOptions) =>
      new Promise((resolve, reject) => {
        const asked = request(url, options, (response) => resolve(response.resume().statusCode));
        asked.on('error', reject).end();
      });
    expect(await ask({ headers: { host: 'evil.example' } })).toBe(404);
    for (const path of ['//', 'http://[']) expect(await ask({ path })).toBe(404);
  });
});

describe('what is streamed', () => {
  test('a store: what its API says', async () => {
    const { collection, url } = await openServed({ title: 'films' });
    const { hello, messages } = await view(url);
    await collection.upsert(points(0, 5, 2));
    await collection.flush();
    const looks = () => messages.filter((one): one is StoreMessage => one.type === 'store');
    await until(() => looks().at(-1)?.flush.committed === 1);
    expect(hello()).toEqual({ mayControl: false, recorded: false });
    expect(messages[0]).toMatchObject({ type: 'start', title: 'films', format: 1 });
    const look = looks().at(-1);
    expect(look).toMatchObject({ state: 'running', status: collection.status() });
    expect(look?.segments.map(({ points }) => points)).toEqual(
      collection.info().segments.map(({ points }) => points),
    );
    const names = messages.flatMap((one) => (one.type === 'actor' ? [one.name] : []));
    const workers = ['updateHandler', 'updateWorker', 'optimizerScheduler', 'flushWorker'];
    expect(names).toEqual(expect.arrayContaining(workers));
    const charts = messages.flatMap((one) => (one.type === 'chart' ? [one.root.id] : []));
    expect(charts).toEqual(expect.arrayContaining(workers));
    const events = messages.flatMap((one) => (one.type === 'event' ? [one.name] : []));
    expect(events).toEqual(expect.arrayContaining(['Operation', 'Flush', 'Applied']));
  });

  test('a store to who comes late: of earlier looks what the plot needs', async () => {
    const { collection, url } = await openServed();
    const seen = (await view(url)).messages;
    const looks = (all: InspectMessage[]) => all.filter(({ type }) => type === 'store');
    await until(() => looks(seen).length > 1);
    const { messages } = await view(url);
    await until(() => looks(messages).length > 1);
    const segments = looks(messages).map((one) => (one as StoreMessage).segments.length);
    const last = collection.info().segments.length;
    expect(segments.slice(0, 2)).toEqual([0, last]);
  });

  test('any system of XState, in small batches however much happens', async () => {
    const actor = createActor(counter).start();
    const seen: InspectMessage[] = [];
    const inspector = await serveInspector(actor, { onMessage: (message) => seen.push(message) });
    onTestFinished(() => inspector.close());
    const { messages } = await view(inspector.url);
    await until(() => messages.length > 0);
    for (let at = 0; at < 6000; at++) actor.send({ type: 'Next' });
    const states = () => messages.flatMap((one) => (one.type === 'state' ? [one] : []));
    await until(() => JSON.stringify(states().at(-1)?.context) === '{"count":6000}');
    const dropped = messages.reduce(
      (sum, one) => sum + (one.type === 'dropped' ? one.events : 0),
      0,
    );
    const events = messages.filter(({ type }) => type === 'event').length;
    expect(events + dropped).toBe(6000);
    expect(messages.length).toBeLessThan(1000);
    // A recording has all of it.
    expect(seen.filter(({ type }) => type === 'event')).toHaveLength(6000);
  });

  test('nothing else: what is no system is refused', async () => {
    await expect(serveInspector({} as never)).rejects.toThrow(TypeError);
    await expect(serveInspector(null as never)).rejects.toThrow(TypeError);
    const actor = createActor(counter);
    const wrong = serveInspector(actor, { port: -1 });
    await expect(wrong).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' });
    const inspector = await serveInspector(actor);
    const port = Number(new URL(inspector.url).port);
    await expect(serveInspector(actor, { port })).rejects.toMatchObject({ code: 'SLUICE_IO' });
    await inspector.close();
  });
});

describe('what may be done', () => {
  test('nothing unless it was allowed', async () => {
    const { url } = await openServed();
    expect((await post(url, 'flush')).status).toBe(403);
  });

  test('trigger, flush and cancel, from the page itself', async () => {
    const { collection, url } = await openServed({ allowControl: true });
    const { rounds } = collection.telemetry().flush;
    expect((await post(url, 'flush')).status).toBe(204);
    expect(collection.telemetry().flush.rounds).toBeGreaterThan(rounds);
    expect((await post(url, 'trigger')).status).toBe(204);
    const nothing = await post(url, 'cancel/1');
    expect([nothing.status, await nothing.text()]).toEqual([
      409,
      'there is nothing of that kind to be done now (SLUICE_NOT_FOUND)',
    ]);
    expect((await post(url, 'drop')).status).toBe(409);
    expect((await post(url, 'flush', { origin: 'http://evil.example' })).status).toBe(403);
  });
});
