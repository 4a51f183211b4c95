// Stately Inspector over loopback: its own server and its own receiver.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInspector, createWebSocketReceiver } from '@statelyai/inspect';
import { createInspectorServer } from '@statelyai/inspect/server';
import { openCollection } from 'sluice';
import { connectStately, STATELY_URL } from 'sluice/inspect';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { createMachine } from 'xstate';
import { points, until } from '../support/points.js';
import { fillSegments, ONE_UPSERT_A_SEGMENT } from '../support/segments.js';
import { newStore } from '../support/stores.js';

interface Message {
  type: string;
  sessionId: string;
  name?: string;
  definition?: string;
  parentId?: string;
  event?: { type: string };
  snapshot?: { value?: unknown; status?: string };
}

/** A port that can be had; that one if it is given. */
async function freePort(wanted = 0): Promise<number> {
  const server = createServer().listen(wanted);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The package's server and receiver; what the receiver gets. */
async function receive(given?: number): Promise<{ url: string; messages: Message[] }> {
  const port = given ?? (await freePort());
  const server = createInspectorServer({ port, autoOpen: false });
  onTestFinished(() => server.stop());
  const url = `ws://127.0.0.1:${port}`;
  const messages: Message[] = [];
  createWebSocketReceiver({ server: url }).subscribe((message) => {
    messages.push(message as unknown as Message);
  });
  return { url, messages };
}

test('every actor appears with its chart, and an optimization from its beginning to its end', async () => {
  const { url, messages } = await receive();
  const connection = await connectStately(url);
  const store = newStore();
  const collection = await store.open({
    dimensions: 256,
    optimizers: ONE_UPSERT_A_SEGMENT,
    inspect: connection.inspect,
  });
  await fillSegments(collection, [3, 3, 3, 20]);
  const defaultSegmentNumber = 2;
  await collection.configure({
    optimizers: { defaultSegmentNumber, maxOptimizationThreads: null },
  });
  await collection.optimize();
  await collection.close();
  await connection.close();
  const stopped = ({ snapshot }: Message) => snapshot?.value === 'stopped';
  await until(() => messages.some(stopped));

  const actors = messages.filter(({ type }) => type === '@xstate.actor');
  for (const { definition = '', name } of actors) {
    const config = JSON.parse(definition);
    if (config.states !== undefined) expect(createMachine(config).id).toBe(config.id);
    else expect(config).toEqual({ id: name });
  }
  const known = new Set(actors.map(({ sessionId }) => sessionId));
  for (const { sessionId } of messages) expect(known).toContain(sessionId);
  const names = ['updateHandler', 'updateWorker', 'optimizerScheduler', 'flushWorker'];
  expect(actors.map(({ name }) => name)).toEqual(expect.arrayContaining(names));

  const task = actors.find(({ name }) => name === 'optimization.0');
  const states = messages
    .filter(({ type, sessionId }) => type === '@xstate.snapshot' && sessionId === task?.sessionId)
    .map(({ snapshot }) => snapshot?.value);
  const phases = states.filter((state, at) => state !== states[at - 1]);
  expect(phases).toEqual(['copying', 'catchingUp', 'swapping', 'done']);

  for (const message of messages.filter(({ type }) => type !== '@xstate.actor')) {
    expect(JSON.stringify(message).length).toBeLessThan(2048);
  }
  const payloads = points(0, 3, 256).map(({ payload }) => JSON.stringify(payload));
  const whole = JSON.stringify(messages);
  for (const payload of payloads) expect(whole).not.toContain(payload);
  // What the three segments held came as vectors of 256 numbers.
  expect(whole).not.toMatch(/(-?\d+(\.\d+)?(e-?\d+)?,){20}/);
});

test('`inspect: true` connects to where the server is by default', async (context: TestContext) => {
  const port = Number(new URL(STATELY_URL).port);
  try {
    await freePort(port);
  } catch (error) {
    process.stderr.write(`the test of \`inspect: true\` is skipped: ${error}\n`);
    context.skip();
  }
  const { messages } = await receive(port);
  const collection = await newStore().open({ dimensions: 2, inspect: true });
  await collection.upsert(points(0, 1, 2));
  await collection.close();
  await until(() => messages.some(({ snapshot }) => snapshot?.value === 'stopped'));
  expect(messages.flatMap(({ name }) => name ?? [])).toContain('updateWorker');
});

test('an inspector of the package gets small copies, and its own options count', async () => {
  const sent: object[] = [];
  const inspector = createInspector(
    { send: (message) => sent.push(message) },
    { filter: ({ type }) => type !== '@xstate.event' },
  );
  const collection = await newStore().open({ dimensions: 2, inspect: inspector });
  await collection.close();
  await until(() => sent.some((message) => (message as Message).snapshot?.value === 'stopped'));
  const types = new Set(sent.map((message) => (message as Message).type));
  expect([...types].sort()).toEqual(['@xstate.actor', '@xstate.snapshot']);
});

test('says what to do when no server answers', async () => {
  const url = `ws://127.0.0.1:${await freePort()}`;
  await expect(connectStately(url)).rejects.toMatchObject({
    code: 'SLUICE_INSPECTOR_UNAVAILABLE',
    message: expect.stringContaining('createInspectorServer()'),
  });
  await expect(connectStately('nonsense')).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' });
  await expect(openCollection('nowhere', { inspect: 3 as never })).rejects.toMatchObject({
    code: 'SLUICE_BAD_OPTION',
  });
});
