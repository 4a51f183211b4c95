// What being watched costs: the time of one event of a machine, unwatched, watched by the page, and
// with Stately Inspector's package, whose messages go nowhere. A large context must cost nothing more.
import { createInspector } from '@statelyai/inspect';
import { assign, createActor, createMachine } from 'xstate';
import { projectedInspection } from '#sluice/inspect/stately-projection.js';
import { SystemObserver } from '#sluice/inspect/system-observer.js';

const EVENTS = 3000;
const LIMIT_MS = 0.2;

const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, vector: new Float32Array(64) }));
const machine = createMachine({
  context: { count: 0, rows },
  on: { Next: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
});

/** Milliseconds of an event; `sent` resolves when everything has been handed on. */
async function measure(inspect, sent = async () => {}) {
  const actor = createActor(machine, inspect === undefined ? {} : { inspect }).start();
  for (let at = 0; at < 200; at++) actor.send({ type: 'Next' });
  await sent();
  // Time of the processor: other programmes of the machine take none of that.
  const before = process.cpuUsage();
  for (let at = 0; at < EVENTS; at++) actor.send({ type: 'Next' });
  await sent();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / EVENTS;
}

/** Bytes of the largest message but charts and definitions, which come once. */
let largest = 0;
const text = (message) => {
  const { length } = JSON.stringify(message);
  if (message.type !== 'chart' && message.type !== '@xstate.actor') {
    largest = Math.max(largest, length);
  }
};
const stately = createInspector({ send: text });
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

const costs = {
  unwatched: await measure(undefined),
  'watched, by an observer that does nothing': await measure(() => {}),
  'the page': await measure(new SystemObserver({ now: () => Date.now() }, text).inspect),
  'Stately Inspector': await measure(projectedInspection(stately), turn),
};
for (const [what, ms] of Object.entries(costs)) {
  process.stdout.write(`${what.padEnd(44)} ${(ms * 1000).toFixed(1).padStart(7)} µs an event\n`);
}
process.stdout.write(`largest message: ${largest} bytes\n`);
if (Math.max(...Object.values(costs)) > LIMIT_MS || largest > 2048) process.exitCode = 1;
